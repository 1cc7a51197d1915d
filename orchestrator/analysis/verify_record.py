"""All stored rows that a sweep's decisions rest on, for verify.py; evidence.py reads them."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from searchctl.orchestrator.halving.follow_up import FollowUpSettings
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision, Direction
from searchctl.orchestrator.storage.rows import EpochRow, JobRow, SweepState, TrialRow
from searchctl.trainer.core.results import Evaluation
from searchctl.trainer.settings.training import Score

ClassScores = dict[int, tuple[float | None, float | None]]
"""IoU and accuracy by class."""

OPEN = ("WAITING", "RUNNING")
"""States of jobs that have no result, and of trials that have no last decision."""


@dataclass(frozen=True)
class Record:
    """All stored rows that the decisions of one sweep rest on, as of one moment."""

    state: SweepState
    direction: Direction
    score: Score
    planned: Sequence[int]
    """Trials of each rung as the ladder plans them."""
    asked: FollowUpSettings
    """How many jobs follow the ladder."""
    trials: Sequence[TrialRow]
    jobs: Mapping[JobKey, JobRow]
    decisions: Sequence[Decision]
    epochs: Mapping[JobKey, Sequence[EpochRow]]
    class_scores: Mapping[JobKey, ClassScores]
    """On the validation set, as they are stored."""
    by_images: Mapping[JobKey, Evaluation | Literal["damaged"] | None]
    """`verify.evaluation_by_images` of each complete job, where its counts can be read."""
    missing_weights: AbstractSet[JobKey]
    """Finalists' jobs whose weights are not where they should be."""

    @property
    def complete_jobs(self) -> Iterator[tuple[JobKey, JobRow]]:
        """The jobs that have a score."""
        return ((key, job) for key, job in self.jobs.items() if job.state == "COMPLETE")

    @property
    def evaluated_jobs(self) -> Iterator[tuple[JobKey, JobRow, Evaluation]]:
        """The jobs that have a score, with what their images come to."""
        for key, job in self.complete_jobs:
            evaluation = self.by_images.get(key)
            if isinstance(evaluation, Evaluation):
                yield key, job, evaluation

    def at(self, rung: int) -> list[Decision]:
        """Return the decisions of a rung."""
        return [decision for decision in self.decisions if decision.rung == rung]

    def cohort(self, rung: int) -> list[int]:
        """Return the trials that a rung must compare: all, or the promoted of the rung below."""
        if rung == 0:
            return [trial.number for trial in self.trials]
        return [d.trial for d in self.at(rung - 1) if d.verdict == "promoted"]

    def due(self, rung: int) -> bool:
        """Must a rung have its decisions? They are stored together with its last result."""
        ended = (self._ended(trial, rung) for trial in self.cohort(rung))
        return self.state == "COMPLETE" or bool(self.at(rung)) or all(ended)

    def _ended(self, trial: int, rung: int) -> bool:
        job = self.jobs.get(JobKey(trial, rung))
        return job is not None and job.state not in OPEN
