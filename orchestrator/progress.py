"""Follows a running sweep: counts, speed and expected time, from what the driver tells."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from orchestrator.halving import Direction
from orchestrator.observer import Observer, SeenJob
from orchestrator.storage.rows import JOB_STATES
from orchestrator.views import JobState, RungView, rung_views
from trainer.results import EpochRecord, JobResult


class Progress(Observer):
    """The numbers behind a display, shown to nobody; displays draw them.

    A context manager: what is drawn is drawn between its entry and its exit.
    """

    def __init__(
        self,
        ladder: Sequence[Mapping[str, Any]],
        direction: Direction,
        epochs: int,
        done: Mapping[tuple[int, int], JobState],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with the jobs that an earlier run has `done`, by (trial, rung)."""
        self._ladder = ladder
        self._direction = direction
        self._epochs = epochs
        self._clock = clock
        self._jobs = dict(done)
        self._begun = clock()
        self._first_job: float | None = None
        self._images = 0
        self._epoch_seconds = 0.0
        self._speed: float | None = None
        self._epochs_over = dict.fromkeys(done, epochs)

    def __enter__(self) -> Self:
        """Begin to show."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave what was shown."""

    def rungs(self) -> list[RungView]:
        """Return the ladder as it stands."""
        return rung_views(self._ladder, self._jobs.values(), self._direction)

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

        Unlike `images_per_second` it leaves out how long workers took to start and were idle.
        """
        if self._speed is None:
            return None
        views = self.rungs()
        left = sum(view.trials * view.images for view in views) * self._epochs
        left -= sum(views[rung].images * over for (_, rung), over in self._epochs_over.items())
        return left / self._speed

    def job_started(self, job: SeenJob, attempt: int) -> None:
        """Count a job as running."""
        if self._first_job is None:
            self._first_job = self._clock()
        self._jobs[job.trial, job.rung] = JobState(job.rung, "RUNNING", None)

    def epoch(self, job: SeenJob, record: EpochRecord) -> None:
        """Count an epoch's images, and as gone what earlier attempts at the job have trained."""
        self._images += record.images
        self._epoch_seconds += record.seconds
        running = sum(state.state == "RUNNING" for state in self._jobs.values())
        self._speed = max(1, running) * self._images / max(self._epoch_seconds, 1e-9)
        self._epochs_over[job.trial, job.rung] = record.epoch

    def job_done(self, job: SeenJob, result: JobResult) -> None:
        """Count a job as done; epochs that it did not need are not expected any more."""
        self._epochs_over[job.trial, job.rung] = self._epochs
        state = JOB_STATES[result.status]
        self._jobs[job.trial, job.rung] = JobState(job.rung, state, result.score)

    def job_lost(self, job: SeenJob, error: str, losses: int) -> None:
        """Count a lost job as waiting again; it may have to do all of its epochs once more."""
        self._epochs_over.pop((job.trial, job.rung), None)
        self._jobs.pop((job.trial, job.rung), None)
