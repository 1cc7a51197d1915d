"""The sections `resources:` and `budget:` of a sweep.yaml, which a resumed sweep may change."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from searchctl.orchestrator.core.cluster_address import checked_address
from searchctl.trainer.settings.base import Settings

_NOT_CUSTOM = {
    "CPU": "use cpus_per_trial",
    "GPU": "use gpus_per_trial",
    "accelerator_type": "use accelerator_type",
    "memory": "Ray manages it itself",
    "object_store_memory": "Ray manages it itself",
    "node": "trials cannot be bound to a node",
}
"""Resource names that are reserved by Ray, and what to do instead."""


def _whole_above_one(gpus: float) -> float:
    if gpus > 1 and not gpus.is_integer():
        raise ValueError(f"must be a fraction below 1 or a whole number of GPUs, not {gpus}")
    return gpus


_SPAN = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+)s)?")


def _span(text: str) -> timedelta | None:
    """Return a time span such as 1d12h, 90m or 45s; None if the text is none."""
    span = _SPAN.fullmatch(text) if text else None
    if span is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
    try:
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise ValueError(f"is too long: {text!r}") from None


def _seconds(written: Any) -> Any:
    if not isinstance(written, str):
        return written
    span = _span(written.strip())
    if span is None:
        raise ValueError(
            "must be seconds, or a time span of days, hours, minutes and seconds: 1d12h, 90m, 45s, "
            f"not {written!r}"
        )
    return span.total_seconds()


Duration = Annotated[
    Annotated[float, Field(gt=0, allow_inf_nan=False)],
    BeforeValidator(_seconds),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}),
]
"""Seconds, or a time span of days, hours, minutes and seconds."""


_NUMBER_OR_SHARE = {
    "anyOf": [
        {"type": "integer", "minimum": 1},
        {"type": "string", "pattern": "^([1-9][0-9]?|100)%$"},
    ]
}


def _number_or_share(given: object) -> object:
    """Refuse all but whole numbers from 1, and shares from 1% to 100%."""
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return given
    share = re.fullmatch(r"(\d{1,3})%", given) if isinstance(given, str) else None
    if share is None or not 1 <= int(share[1]) <= 100:
        raise ValueError(
            f"{given!r} is neither a whole number from 1 nor a share of the cluster: write 4, or "
            "50% for half of what it has room for"
        )
    return given


class ResourceSettings(Settings):
    """Resources of a trial, and the cluster on which trials run.

    They may change when a sweep is resumed.
    """

    cpus_per_trial: Annotated[float, Field(gt=0, le=100_000)] = 1
    """CPU cores of one trial."""
    gpus_per_trial: Annotated[float, Field(ge=0, le=100_000), AfterValidator(_whole_above_one)] = 0
    """GPUs of one trial, all on one node; 0.5 runs two trials on one GPU."""
    processes_per_trial: Annotated[int, Field(ge=1)] | None = None
    """Data-parallel processes that train one trial on one node. Each trains on a part of every
    batch. Default: one per whole GPU. Without GPUs, this is for nodes with many CPUs."""
    custom: dict[str, Annotated[float, Field(gt=0)]] = Field(default={})
    """Custom Ray resources of one trial, such as {licence: 1}. The nodes must be started with
    them."""
    accelerator_type: Annotated[str, Field(min_length=1)] | None = None
    """GPU type of all trials, by Ray's name: A100, H100, T4. Default: any."""
    max_parallel: (
        Annotated[
            int | str,
            BeforeValidator(_number_or_share),
            WithJsonSchema(_NUMBER_OR_SHARE),
        ]
        | None
    ) = None
    """Maximum number of trials at a time: a whole number, or a share of those that the cluster has
    room for, such as 50%, which follows the cluster's size and allows at least one. Default: as
    many as the resources allow."""
    max_attempts: Annotated[int, Field(ge=1)] = 3
    """Maximum number of attempts at a job whose worker is lost. An attempt that
    resumes from a later checkpoint than all before resets the count, so spot nodes may be preempted
    any number of times."""
    on_oom: Literal["auto", "shrink", "fail"] = "auto"
    """What follows when a job runs out of GPU memory while it has whole GPUs for itself. auto:
    networks without BatchNorm that is trained continue with half of `batch_size` and twice
    `accumulate`, as often as needed; others fail. shrink: all continue so. fail: none does."""
    checkpoint_every: Annotated[float, Field(ge=0, le=3600)] | None = None
    """Smallest number of seconds between two checkpoints of a job, which are written after epochs.
    0: after every epoch. Default: as many as keep their cost below 2 % of the job's time, and at
    most 60."""
    stall_timeout: Annotated[float, Field(gt=0)] | None = 1800
    """Seconds without a batch after which a worker counts as lost, because its disk or GPU may
    hang. null disables this."""
    trial_timeout: Duration | None = None
    """Time after which a job that has not ended counts as failed: seconds, or a time span (90m,
    1d12h). Earlier attempts that it resumed from count. It is not retried. Default: none."""
    address: Annotated[str, AfterValidator(checked_address)] | None = None
    """Address of a Ray cluster. On a node of the cluster: auto or host:port. From any other
    machine: ray://host:10001 or http://host:8265; the sweep's driver is then submitted as a job.
    Default: start Ray on this machine."""

    @field_validator("processes_per_trial")
    @classmethod
    def _have_a_gpu_each(cls, processes: int | None, info: ValidationInfo) -> int | None:
        gpus = info.data.get("gpus_per_trial", 0)
        if processes is None or not gpus or processes == max(1, gpus):
            return processes
        if gpus < 1:
            raise ValueError(
                f"processes cannot share a GPU: leave it out, or set gpus_per_trial: {processes}"
            )
        raise ValueError(
            f"each process needs its own GPU: leave it out, or set gpus_per_trial: {processes}"
        )

    @field_validator("custom")
    @classmethod
    def _are_not_known_by_another_name(cls, custom: dict[str, float]) -> dict[str, float]:
        for name, amount in custom.items():
            if fix := _NOT_CUSTOM.get(name.split(":")[0]):
                raise ValueError(f"{name} is not a custom resource: {fix}")
            if amount > 1 and not amount.is_integer():
                raise ValueError(
                    f"{name} must be a fraction below 1 or a whole number, not {amount}"
                )
        return custom

    @field_validator("accelerator_type")
    @classmethod
    def _has_a_gpu(cls, kind: str | None, info: ValidationInfo) -> str | None:
        if kind is not None and not info.data.get("gpus_per_trial", 1):
            raise ValueError("names a GPU type, but trials use no GPU: set gpus_per_trial")
        return kind

    @property
    def processes(self) -> int:
        """Number of processes that train one trial."""
        return self.processes_per_trial or max(1, int(self.gpus_per_trial))

    @property
    def others(self) -> dict[str, float]:
        """Resources of one trial besides CPUs and GPUs, by Ray's names."""
        if self.accelerator_type is None:
            return self.custom
        # Ray gives each node with such a GPU exactly 1 of this resource, whatever the number of
        # its GPUs. A tiny amount selects the node and never runs out.
        return {**self.custom, f"accelerator_type:{self.accelerator_type}": 0.001}


def read_moment(written: Any) -> datetime:
    """Read a deadline: a time span from now (8h, 1d12h, 90m, 45s), or a date and time.

    A time without a zone is local time.

    Raises:
        ValueError: the value is neither.
    """
    text = str(written).strip()
    try:
        if (span := _span(text)) is not None:
            return datetime.now(UTC) + span
    except (OverflowError, ValueError):
        raise ValueError(f"is too far away: {written!r}") from None
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise ValueError(
            "must be a date and time such as 2026-11-30 18:00, or a time span of days, hours, "
            f"minutes and seconds: 1d12h, 90m, 45s, not {written!r}"
        ) from None


Deadline = Annotated[
    datetime, BeforeValidator(read_moment), WithJsonSchema({"type": "string"}, mode="validation")
]
"""A date and time with its time zone."""


class BudgetSettings(Settings):
    """Limits that stop a sweep early. It can be resumed with other limits."""

    deadline: Deadline | None = None
    """When to stop: a date and time (2026-11-30 18:00, local time unless it has a zone), or a time
    span from the launch (8h, 1d12h)."""
    gpu_hours: Annotated[float, Field(gt=0)] | None = None
    """Maximum GPU hours of all attempts, lost ones included. Half a GPU for 1 h counts as 0.5."""
    disk_gb: Annotated[float, Field(gt=0)] | None = None
    """Maximum disk space of the sweep's files, in units of 1e9 bytes."""
    target: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """A score that is good enough: the sweep stops when a rung closes whose best score is as good
    or better, on whatever part of the data."""
