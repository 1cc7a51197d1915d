"""How long jobs on all of the data take after their last epoch: they score the original size."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from sqlalchemy import Engine

from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.planning.estimate import Measured
from searchctl.orchestrator.storage.reads.spending import stored_estimate
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.trainer.core.results import EpochRecord, JobResult


@dataclass(frozen=True)
class FinalScoring:
    """What is known of it before any job has done it."""

    due: bool
    """Whether jobs on all of the data score the original size."""
    seconds: float | None = None
    """Of one job, by the probe at the launch; None without a probe."""


NO_SCORING = FinalScoring(due=False)


def final_scoring_of(engine: Engine, row: SweepRow) -> FinalScoring:
    """Return what a stored sweep's settings and its probe say."""
    by_script = "training" in row.spec and {"command", "function"} & row.spec["training"].keys()
    if by_script or row.spec.get("task") == "classification":
        return NO_SCORING
    stored = stored_estimate(engine, row)
    return FinalScoring(due=True, seconds=_seconds(Measured.from_json(stored)) if stored else None)


def _seconds(measured: Measured) -> float:
    """Return the mean over the trials: training and test images once, val and test images large."""
    sizes, speeds = measured.probe.sizes, measured.probe.speeds
    return mean(
        each.score.expected * (sizes.train + sizes.test)
        + each.score_original.expected * (sizes.val + sizes.test)
        for each in speeds
    )


class ScoringTimes:
    """Measures what jobs on all of the data take after their last epoch."""

    def __init__(self, expected: FinalScoring) -> None:
        """Start with what is known before."""
        self._expected = expected
        self._epochs: dict[JobKey, list[float]] = {}
        self._measured: list[float] = []

    def epoch(self, key: JobKey, record: EpochRecord) -> None:
        """Count the time of an epoch; of a job that was resumed, the earlier ones are not known."""
        before: Sequence[float] = self._epochs.get(key, ())
        if len(before) == record.epoch - 1:
            self._epochs[key] = [*before, record.seconds]

    def ended(self, key: JobKey, result: JobResult, *, on_all: bool) -> None:
        """Take the rest of a job's time for its scoring, if all of its epochs are known."""
        epochs = self._epochs.pop(key, [])
        if on_all and epochs and result.status == "complete":
            self._measured.append(max(0.0, result.seconds - sum(epochs)))

    def lost(self, key: JobKey) -> None:
        """Forget the epochs of a lost job."""
        self._epochs.pop(key, None)

    @property
    def seconds(self) -> float | None:
        """Expected seconds of one job; None before they are known, 0 where none scores."""
        if not self._expected.due:
            return 0.0
        return mean(self._measured) if self._measured else self._expected.seconds
