"""The facts of a report on its trials: results by rung, curves and class scores."""

from dataclasses import dataclass, field
from typing import Any

from searchctl.orchestrator.halving.limits import Quantity
from searchctl.trainer.core.results import EpochRecord


@dataclass(frozen=True)
class Step:
    """A trial at one rung."""

    rung: int
    images: int
    state: str
    score: float | None
    rank: int | None
    verdict: str | None
    """None until the rung is closed."""
    reason: str | None
    kept_epoch: int | None
    seconds: float | None


@dataclass(frozen=True)
class TrialFacts:
    """A trial, with its results at the highest rung that it has reached."""

    trial: int
    place: int | None
    """Rank in the whole sweep (1 is the winner): by the most images, then by score."""
    state: str
    params: dict[str, Any]
    steps: list[Step]
    trainable_parameters: int | None
    latency_ms: float | None
    """Latency of one image, by the network of the highest rung with a result."""
    device: str | None
    """Device of that rung's job, on which the latency was measured."""
    evaluations: dict[str, dict[str, float | None]]
    """Split (val, train, val_original, test, test_original) -> loss, miou, mean_accuracy,
    overall_accuracy, at the highest rung with a result."""
    seconds: float
    gpu_seconds: float
    peak_memory_bytes: int | None
    violation: str = ""
    """Which limits it exceeds, in words (`halving.limits`); empty if none."""
    cohort: int = 0
    """Number of its cohort."""
    origin: str = "random"
    """How its params were found: grid, random, known or model."""
    measured: dict[Quantity, float] = field(default_factory=dict)
    """What `halving.limits` judge it by: `latency_ms`, `memory_gb`."""

    @property
    def last(self) -> Step | None:
        """The highest rung that it has reached."""
        return self.steps[-1] if self.steps else None

    @property
    def scored(self) -> Step | None:
        """The highest rung where it has a score."""
        return next((step for step in reversed(self.steps) if step.score is not None), None)


@dataclass(frozen=True)
class Curve:
    """The epochs of one job."""

    trial: int
    rung: int
    kept_epoch: int | None
    converged: int | None
    """The first epoch whose score is within 1 % of the kept epoch's."""
    epochs: list[EpochRecord]


@dataclass(frozen=True)
class ClassScores:
    """IoU of each class (accuracy, in classification) by one trial's network."""

    trial: int
    rung: int
    split: str
    values: list[float | None]
    """By class id; None if the ground truth lacks the class."""
