"""Progress of a running sweep: counts, speed and expected time, from the driver's callbacks."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from searchctl.orchestrator.callbacks.base import Callback, JobView
from searchctl.orchestrator.facts.cohorts import cohort_numbers
from searchctl.orchestrator.facts.running.final_scoring import (
    NO_SCORING,
    FinalScoring,
    ScoringTimes,
)
from searchctl.orchestrator.facts.running.totals import JobTally
from searchctl.orchestrator.facts.running.work import EpochWork, validations_in
from searchctl.orchestrator.facts.sweeps import (
    AfterView,
    JobState,
    RungView,
    after_views,
    rung_views,
)
from searchctl.orchestrator.halving.follow_up import NO_FOLLOW_UP, FollowUpSettings
from searchctl.orchestrator.halving.job_key import JobKey, key_of
from searchctl.orchestrator.halving.rule import Direction
from searchctl.orchestrator.storage.rows import JOB_STATES
from searchctl.trainer.core.results import EpochRecord, JobResult


@dataclass(frozen=True)
class Totals:
    """What a run of a sweep had done before watching started."""

    elapsed: float = 0.0
    """Seconds since the run started."""
    working: float | None = None
    """Seconds since its first job started; None if none has started."""
    images: int = 0
    epoch_seconds: float = 0.0
    """Summed over all epochs of its jobs, as `images` is."""
    validations: int = 0
    """Epochs of its jobs that scored the validation set."""
    running: Mapping[JobKey, int] = field(default_factory=dict)
    """The running jobs, with their number of finished epochs."""


_NOTHING = Totals()
_TRAINING_ALONE = EpochWork()
_ROUNDING = 1e-6
"""Work below this is a rounding of sums."""


class Progress(Callback):
    """The numbers behind a display; subclasses draw them.

    A context manager: displays draw between its entry and its exit.
    """

    def __init__(
        self,
        ladder: Sequence[Mapping[str, Any]],
        direction: Direction,
        epochs: int,
        done: Mapping[JobKey, JobState],
        clock: Callable[[], float] = time.monotonic,
        run_totals: Totals = _NOTHING,
        asked: FollowUpSettings = NO_FOLLOW_UP,
        work: EpochWork = _TRAINING_ALONE,
        scoring: FinalScoring = NO_SCORING,
    ) -> None:
        """Start with the jobs that are `done`, and with the `run_totals` of the run so far.

        `ladder` has the rungs of all cohorts. `asked` are the follow-up settings, `work` that of
        its epochs, `scoring` what follows the last epoch on all of the data.
        """
        self._scoring = ScoringTimes(scoring)
        self._on_all = {(r.get("cohort", 0), r["rung"]) for r in ladder if r["fraction"] == "1"}
        numbers = self._numbers = cohort_numbers(ladder)
        self._ladder = ladder
        self._direction = direction
        self._epochs = epochs
        self._clock = clock
        self._asked = asked
        self._tally = JobTally(done, run_totals.running, epochs, direction, numbers.__getitem__)
        self._started = clock() - run_totals.elapsed
        self._first_job = None if run_totals.working is None else clock() - run_totals.working
        self._images = run_totals.images
        self._work = work
        self._worked = work.done(run_totals.images, run_totals.validations)
        self._epoch_seconds = run_totals.epoch_seconds
        self._speed = self._busy_speed() if run_totals.images else None

    def __enter__(self) -> Self:
        """Start to show."""
        return self

    def __exit__(self, *_: object) -> None:
        """End to show."""

    def rungs(self) -> list[RungView]:
        """Return the current state of the ladders."""
        return rung_views(self._ladder, self._tally.states(), self._direction)

    def after(self) -> list[AfterView]:
        """Return the progress of the follow-up jobs."""
        return after_views(self.rungs(), self._asked, self._tally.states())

    def cohort_of(self, trial: int) -> int | None:
        """Return the number of a trial's cohort; None if the sweep has only one."""
        return self._numbers[trial] if any(self._numbers) else None

    @property
    def elapsed(self) -> float:
        """Seconds since this run started."""
        return self._clock() - self._started

    @property
    def images_per_second(self) -> float | None:
        """Training images a second over all workers, since the first job started."""
        if self._first_job is None or not self._images:
            return None
        return self._images / max(self._clock() - self._first_job, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """Expected time to the end at the speed of busy workers; None before the first epoch.

        Unlike `images_per_second`, it leaves out the time in which workers start or are idle. Jobs
        on all of the data score the original size at their end. While that time is not known, it
        is left out (`scoring_follows`), and None is returned once jobs only score their networks.
        """
        if self._speed is None:
            return None
        left, each = self._training_left(), self._scoring.seconds
        jobs = self._final_jobs()
        if left < _ROUNDING and self._tally.running and not (each and jobs):
            return None
        at_once = max(1, min(jobs, self._tally.running))
        return max(0.0, left) / self._speed + (each or 0.0) * jobs / at_once

    @property
    def scoring_follows(self) -> bool:
        """Whether jobs will score the original size, and `seconds_left` does not know how long."""
        return self._scoring.seconds is None and self._final_jobs() > 0

    def _final_jobs(self) -> int:
        """Return how many jobs on all of the data have not ended."""
        ladder = sum(view.trials - view.done for view in self.rungs() if view.fraction == 1)
        return max(0, ladder + sum(view.jobs - view.done for view in self.after()))

    def _training_left(self) -> float:
        """Return the work of all epochs that are still to be trained."""
        views = self.rungs()
        epoch = {
            (view.cohort or 0, view.rung): self._work.expected(view.fraction == 1, view.images)
            for view in views
        }
        jobs = [*((view.trials, epoch[view.cohort or 0, view.rung]) for view in views)]
        jobs += [(view.jobs, max(epoch.values())) for view in self.after()]
        left = sum(count * work for count, work in jobs) * self._epochs
        return left - sum(epoch[place] * over for place, over in self._tally.epochs_over.items())

    def job_started(self, job: JobView, attempt: int) -> None:
        """Count a job as running."""
        if self._first_job is None:
            self._first_job = self._clock()
        self._tally.begin(key_of(job))

    def epoch(self, job: JobView, record: EpochRecord) -> None:
        """Count an epoch's images; epochs of earlier attempts count as trained."""
        self._images += record.images
        self._worked += self._work.done(record.images, validations_in(record))
        self._epoch_seconds += record.seconds
        self._speed = self._busy_speed()
        self._tally.epoch(key_of(job), record.epoch)
        self._scoring.epoch(key_of(job), record)

    def _busy_speed(self) -> float:
        """Return the work a second of all workers that are busy now."""
        return max(1, self._tally.running) * self._worked / max(self._epoch_seconds, 1e-9)

    def job_done(self, job: JobView, result: JobResult) -> None:
        """Count a job as done; epochs that it did not need are no longer expected."""
        self._tally.end(key_of(job), JOB_STATES[result.status], result.score)
        on_all = job.kind != "ladder" or (self._numbers[job.trial], job.rung) in self._on_all
        self._scoring.ended(key_of(job), result, on_all=on_all)

    def job_lost(self, job: JobView, error: str, losses: int) -> None:
        """Count a lost job as pending again; it may have to repeat all of its epochs."""
        self._tally.lose(key_of(job))
        self._scoring.lost(key_of(job))
