"""The section of a sweep.yaml on what a trial occupies, and where."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from searchctl.orchestrator.core.cluster_address import checked_address
from searchctl.trainer.settings.base import Settings

_NOT_CUSTOM = {
    "CPU": "use cpus_per_trial",
    "GPU": "use gpus_per_trial",
    "accelerator_type": "use accelerator_type",
    "memory": "Ray keeps count of it itself",
    "object_store_memory": "Ray keeps count of it itself",
    "node": "any node that has room may run a trial",
}
"""What Ray has names of its own for."""


def _whole_above_one(gpus: float) -> float:
    if gpus > 1 and not gpus.is_integer():
        raise ValueError(f"must be a share below 1 or a whole number of GPUs, not {gpus}")
    return gpus


class ResourceSettings(Settings):
    """What a trial occupies, and where trials run. May change when a sweep is resumed."""

    cpus_per_trial: Annotated[float, Field(gt=0)] = 1
    """CPU cores that one trial occupies."""
    gpus_per_trial: Annotated[float, Field(ge=0), AfterValidator(_whole_above_one)] = 0
    """GPUs that one trial occupies, all of one node; 0.5 puts two trials on one GPU."""
    processes_per_trial: Annotated[int, Field(ge=1)] | None = None
    """Processes of one node that train a trial together, each on a part of every batch; left out,
    one for each whole GPU. Without GPUs, they are for nodes with many CPUs."""
    custom: dict[str, Annotated[float, Field(gt=0)]] = Field(default={})
    """Other resources that one trial occupies, as the nodes of the Ray cluster were started with:
    {licence: 1}."""
    accelerator_type: Annotated[str, Field(min_length=1)] | None = None
    """Kind of GPU that trials run on, as Ray calls it: A100, H100, T4. Any, if left out."""
    max_parallel: Annotated[int, Field(ge=1)] | None = None
    """At most so many trials at a time; as fit, if left out."""
    max_attempts: Annotated[int, Field(ge=1)] = 3
    """How often a job is tried whose worker was lost. A try that got an epoch further begins the
    count anew: spot nodes may be taken any number of times."""
    stall_timeout: Annotated[float, Field(gt=0)] | None = 1800
    """Seconds without a single batch after which a worker counts as lost: its disk or its GPU may
    hang. null waits for ever."""
    address: Annotated[str, AfterValidator(checked_address)] | None = None
    """Address of a Ray cluster: auto or host:port on a node of it; from anywhere,
    ray://host:10001 or http://host:8265, to which the sweep's driver is submitted. Left out, one is
    started on this machine."""

    @field_validator("processes_per_trial")
    @classmethod
    def _have_a_gpu_each(cls, processes: int | None, info: ValidationInfo) -> int | None:
        gpus = info.data.get("gpus_per_trial", 0)
        if processes is None or not gpus or processes == max(1, gpus):
            return processes
        if gpus < 1:
            raise ValueError(
                f"a share of a GPU is one process's: leave it out, or set gpus_per_trial: "
                f"{processes}"
            )
        raise ValueError(
            f"each process has a GPU of its own: leave it out, or set gpus_per_trial: {processes}"
        )

    @field_validator("custom")
    @classmethod
    def _are_not_known_by_another_name(cls, custom: dict[str, float]) -> dict[str, float]:
        for name, amount in custom.items():
            if fix := _NOT_CUSTOM.get(name.split(":")[0]):
                raise ValueError(f"{name} is no custom resource: {fix}")
            if amount > 1 and not amount.is_integer():
                raise ValueError(f"{name} must be a share below 1 or a whole number, not {amount}")
        return custom

    @field_validator("accelerator_type")
    @classmethod
    def _has_a_gpu(cls, kind: str | None, info: ValidationInfo) -> str | None:
        if kind is not None and not info.data.get("gpus_per_trial", 1):
            raise ValueError("names a kind of GPU, and trials have none: set gpus_per_trial")
        return kind

    @property
    def processes(self) -> int:
        """How many processes train a trial together."""
        return self.processes_per_trial or max(1, int(self.gpus_per_trial))

    @property
    def others(self) -> dict[str, float]:
        """What one trial occupies beside CPUs and GPUs, by Ray's names."""
        if self.accelerator_type is None:
            return self.custom
        # every node with such a GPU has 1 of it, whatever runs there
        return {**self.custom, f"accelerator_type:{self.accelerator_type}": 0.001}
