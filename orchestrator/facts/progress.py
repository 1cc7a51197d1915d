"""Follows a running sweep: counts, speed and expected time, from what the driver tells."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from searchctl.orchestrator.callbacks.base import Callback, JobView
from searchctl.orchestrator.facts.sweeps import (
    AfterView,
    JobState,
    RungView,
    after_views,
    rung_views,
)
from searchctl.orchestrator.facts.totals import JobTally
from searchctl.orchestrator.halving.follow_up import NO_FOLLOW_UP, FollowUpSettings
from searchctl.orchestrator.halving.job_key import JobKey, key_of
from searchctl.orchestrator.halving.rule import Direction
from searchctl.orchestrator.storage.rows import JOB_STATES
from searchctl.trainer.core.results import EpochRecord, JobResult


@dataclass(frozen=True)
class Totals:
    """What a run of a sweep had done before one began to watch it."""

    elapsed: float = 0.0
    """Seconds since it began."""
    working: float | None = None
    """Seconds since its first job began; None if none has."""
    images: int = 0
    epoch_seconds: float = 0.0
    """Over all the epochs of its jobs, as `images` are."""
    running: Mapping[JobKey, int] = field(default_factory=dict)
    """The jobs that run, with the epochs that they have behind them."""


_NOTHING = Totals()


class Progress(Callback):
    """The numbers behind a display, shown to nobody; displays draw them.

    A context manager: what is drawn is drawn between its entry and its exit.
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
    ) -> None:
        """Begin with the jobs that are `done`, and what the run did `run_totals`.

        After the ladder come the jobs that are `asked` for.
        """
        self._ladder = ladder
        self._direction = direction
        self._epochs = epochs
        self._clock = clock
        self._asked = asked
        self._tally = JobTally(done, run_totals.running, epochs, direction)
        self._begun = clock() - run_totals.elapsed
        self._first_job = None if run_totals.working is None else clock() - run_totals.working
        self._images = run_totals.images
        self._epoch_seconds = run_totals.epoch_seconds
        self._speed = self._busy_speed() if run_totals.images else None

    def __enter__(self) -> Self:
        """Begin to show."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave what was shown."""

    def rungs(self) -> list[RungView]:
        """Return the ladder as it stands."""
        return rung_views(self._ladder, self._tally.states(), self._direction)

    def after(self) -> list[AfterView]:
        """Return how far the jobs are that follow the ladder."""
        return after_views(self.rungs(), self._asked, self._tally.states())

    @property
    def elapsed(self) -> float:
        """Seconds since this run began."""
        return self._clock() - self._begun

    @property
    def images_per_second(self) -> float | None:
        """Training images a second over all workers, since the first job began."""
        if self._first_job is None or not self._images:
            return None
        return self._images / max(self._clock() - self._first_job, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """Expected time to the end at the speed of busy workers; None before the first epoch.

        Unlike `images_per_second` it leaves out how long workers took to start and were idle. It is
        of training alone: once jobs have only to score their networks, it is None again.
        """
        if self._speed is None:
            return None
        views = self.rungs()
        jobs = [*((view.trials, view.images) for view in views)]
        jobs += [(view.jobs, views[-1].images) for view in self.after()]
        left = sum(count * images for count, images in jobs) * self._epochs
        left -= sum(views[rung].images * over for rung, over in self._tally.epochs_over.items())
        if left <= 0 and self._tally.running:
            return None
        return left / self._speed

    def job_started(self, job: JobView, attempt: int) -> None:
        """Count a job as running."""
        if self._first_job is None:
            self._first_job = self._clock()
        self._tally.begin(key_of(job))

    def epoch(self, job: JobView, record: EpochRecord) -> None:
        """Count an epoch's images, and as gone what earlier attempts at the job have trained."""
        self._images += record.images
        self._epoch_seconds += record.seconds
        self._speed = self._busy_speed()
        self._tally.epoch(key_of(job), record.epoch)

    def _busy_speed(self) -> float:
        """Return the images a second of all the workers that are busy now."""
        return max(1, self._tally.running) * self._images / max(self._epoch_seconds, 1e-9)

    def job_done(self, job: JobView, result: JobResult) -> None:
        """Count a job as done; epochs that it did not need are not expected any more."""
        self._tally.end(key_of(job), JOB_STATES[result.status], result.score)

    def job_lost(self, job: JobView, error: str, losses: int) -> None:
        """Count a lost job as waiting again; it may have to do all of its epochs once more."""
        self._tally.lose(key_of(job))
