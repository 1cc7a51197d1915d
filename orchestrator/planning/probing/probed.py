"""What a probe has measured of a sweep's configurations on one machine; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from searchctl.orchestrator.planning.cost import Span
from searchctl.trainer.settings.batch import Batch


@dataclass(frozen=True)
class Speed:
    """Speed of one configuration that runs alone on one machine."""

    train: Span
    """Seconds per training image, with loading and augmentation: of the fastest of several laps,
    of all together, and of the slowest."""
    score: Span
    """Seconds per validation image at the training size."""
    score_original: Span
    """Seconds per validation image at its original size, with the settings of `inference`."""
    start: float
    """Seconds from the start of a job to its first step."""
    checkpoint_bytes: int
    weights_bytes: int
    peak_bytes: int
    """Peak memory of the GPU; on a CPU, of the whole process."""


@dataclass(frozen=True)
class Sizes:
    """Number of images of each split."""

    train: int
    val: int
    test: int


@dataclass(frozen=True)
class Probed:
    """Trials of equal speed, and their speed."""

    params: Mapping[str, Any]
    """Params that distinguish them from the others; empty if all trials are equally fast."""
    trials: tuple[int, ...]
    speed: Speed
    measured: bool
    """False if the speed is that of the measured configuration with the nearest FLOPs."""
    batch: Batch | None = None
    """The batch that was measured, if that of the settings does not fit this machine's GPU."""


@dataclass(frozen=True)
class Probe:
    """Measured speeds of a sweep's trials on a machine."""

    device: str
    threads: int
    sizes: Sizes
    classes: tuple[Probed, ...]
    gpu_bytes: int | None = None
    """Memory of the machine's smallest GPU; None if trials use none."""

    @property
    def speeds(self) -> list[Speed]:
        """Speed of each trial in the order of their numbers."""
        of_trial = {trial: each.speed for each in self.classes for trial in each.trials}
        return [of_trial[trial] for trial in sorted(of_trial)]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read the output of `asdict`."""
        return cls(
            device=values["device"],
            threads=values["threads"],
            sizes=Sizes(**values["sizes"]),
            classes=tuple(map(_probed, values["classes"])),
            gpu_bytes=values.get("gpu_bytes"),
        )


def _probed(values: Mapping[str, Any]) -> Probed:
    read = {"trials": tuple(values["trials"]), "speed": _speed(values["speed"])}
    batch = Batch(**values["batch"]) if values.get("batch") else None
    return Probed(**{**values, **read, "batch": batch})


def _speed(values: Mapping[str, Any]) -> Speed:
    spans = {name: Span(**values[name]) for name in ("train", "score", "score_original")}
    # older ones have more fields
    return Speed(**{field.name: values[field.name] for field in fields(Speed)} | spans)
