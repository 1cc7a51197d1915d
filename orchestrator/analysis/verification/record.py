"""All stored rows that a sweep's decisions depend on; evidence.py reads them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from searchctl.orchestrator.draws.points import Point
from searchctl.orchestrator.halving.closed import ClosedCohort, CohortShape, closed_cohorts
from searchctl.orchestrator.halving.follow_up import FollowUpSettings
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision, Direction
from searchctl.orchestrator.storage.rows import EpochRow, JobRow, SweepState, TrialRow
from searchctl.trainer.core.results import Evaluation
from searchctl.trainer.scores.catalog import ScoreName

ClassScores = dict[int, tuple[float | None, float | None]]
"""IoU and accuracy by class."""

OPEN = ("WAITING", "RUNNING")
"""States of jobs without a result, and of trials without a last decision."""


@dataclass(frozen=True)
class Redraw:
    """A cohort that was drawn again from what its draw was a function of."""

    cohort: int
    first: int
    """Number of its first trial."""
    points: Sequence[Point]
    source_trials: tuple[int, ...]
    """Numbers of the trials that a model used."""
    stored_source_trials: tuple[int, ...]


@dataclass(frozen=True)
class Record:
    """All stored rows that the decisions of one sweep depend on, as of one moment."""

    state: SweepState
    direction: Direction
    score: ScoreName
    planned: Sequence[Sequence[int]]
    """Planned number of trials of each rung of each cohort."""
    asked: FollowUpSettings
    """The sweep's follow-up settings."""
    trials: Sequence[TrialRow]
    jobs: Mapping[JobKey, JobRow]
    decisions: Sequence[Decision]
    epochs: Mapping[JobKey, Sequence[EpochRow]]
    class_scores: Mapping[JobKey, ClassScores]
    """Stored scores of each class on the validation set."""
    by_images: Mapping[JobKey, Evaluation | Literal["damaged"] | None]
    """`evaluation_by_images` of each complete job whose counts can be read."""
    missing_weights: AbstractSet[JobKey]
    """Finalists' jobs whose weights are missing."""
    protected: AbstractSet[int] = frozenset()
    """Trials that are never cut."""
    violations: Mapping[JobKey, str] = field(default_factory=dict)
    """Which limits each job with a score on the ladder exceeds, in words, if any."""
    by_script: bool = False
    """Whether a script of the user's scored: it may leave no counts."""
    requests: Sequence[int] = ()
    """The request that each cohort is of; empty if all are of the launch."""
    retried: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """The failed trials that a cohort tries again, by its number."""
    winner: int | None = None
    """The winner that was stored at the end; None for sweeps of older versions, or before it."""
    redraws: Sequence[Redraw] = ()
    """The cohorts whose draw can be repeated."""
    underivable: str | None = None
    """Why the score does not follow from the images, if it does not."""

    @property
    def repeats(self) -> dict[tuple[int, int], float | None]:
        """The score of each repeat that has ended; None if it diverged or failed."""
        return {
            (key.trial, key.repeat): job.score if job.state == "COMPLETE" else None
            for key, job in self.jobs.items()
            if key.kind == "repeat" and job.state not in OPEN
        }

    @property
    def complete_jobs(self) -> Iterator[tuple[JobKey, JobRow]]:
        """The jobs that have a score."""
        return ((key, job) for key, job in self.jobs.items() if job.state == "COMPLETE")

    @property
    def evaluated_jobs(self) -> Iterator[tuple[JobKey, JobRow, Evaluation]]:
        """The jobs that have a score, with the scores derived from their images."""
        for key, job in self.complete_jobs:
            evaluation = self.by_images.get(key)
            if isinstance(evaluation, Evaluation):
                yield key, job, evaluation

    @cached_property
    def closed(self) -> list[ClosedCohort]:
        """The cohorts of the requests of which all cohorts are closed."""
        requests = self.requests or [0] * len(self.planned)
        pairs = zip(self.planned, requests, strict=True)
        cohort_of = {trial.number: trial.cohort for trial in self.trials}
        known = [each for each in self.decisions if each.trial in cohort_of]
        return closed_cohorts([CohortShape(*pair) for pair in pairs], cohort_of, known)

    @cached_property
    def _decisions(self) -> Mapping[tuple[int, int], list[Decision]]:
        number_of = {trial.number: trial.cohort for trial in self.trials}
        found: defaultdict[tuple[int, int], list[Decision]] = defaultdict(list)
        for decision in self.decisions:
            found[number_of.get(decision.trial, 0), decision.rung].append(decision)
        return found

    @property
    def rungs(self) -> Iterator[tuple[int, int]]:
        """The cohort and number of each rung of the drawn cohorts."""
        drawn = {trial.cohort for trial in self.trials}
        for cohort in sorted(drawn):
            yield from ((cohort, rung) for rung in range(len(self.planned[cohort])))

    def at(self, cohort: int, rung: int) -> list[Decision]:
        """Return the decisions of a rung."""
        return self._decisions.get((cohort, rung), [])

    def compared(self, cohort: int, rung: int) -> list[int]:
        """Return the trials that a rung compares: all, or those promoted from the rung below."""
        if rung == 0:
            return [trial.number for trial in self.trials if trial.cohort == cohort]
        return [d.trial for d in self.at(cohort, rung - 1) if d.verdict == "promoted"]

    def due(self, cohort: int, rung: int) -> bool:
        """Return whether a rung must have decisions: they are stored with its last result."""
        ended = (self._ended(trial, rung) for trial in self.compared(cohort, rung))
        return self.state == "COMPLETE" or bool(self.at(cohort, rung)) or all(ended)

    def _ended(self, trial: int, rung: int) -> bool:
        job = self.jobs.get(JobKey(trial, rung))
        return job is not None and job.state not in OPEN
