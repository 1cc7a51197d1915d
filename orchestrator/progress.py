"""Follows a running sweep: counts, speed and expected time, from what the driver tells."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from orchestrator.halving import Direction
from orchestrator.job import Job
from orchestrator.observer import Observer
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
        self._images_left = sum(row["trials"] * row["images"] for row in ladder) * epochs
        self._images_left -= sum(ladder[rung]["images"] * epochs for _, rung in done)
        self._images = 0
        self._seen: dict[tuple[int, int], int] = {}

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
        """Expected time to the end at the speed so far; None before the first epoch."""
        speed = self.images_per_second
        return None if speed is None else max(0, self._images_left) / speed

    def job_started(self, job: Job, attempt: int) -> None:
        """Count a job as running."""
        if self._first_job is None:
            self._first_job = self._clock()
        self._seen[job.trial, job.rung] = 0
        self._jobs[job.trial, job.rung] = JobState(job.rung, "RUNNING", None)

    def epoch(self, job: Job, record: EpochRecord) -> None:
        """Count an epoch's images."""
        self._images += record.images
        self._seen[job.trial, job.rung] += record.images
        self._images_left -= record.images

    def job_done(self, job: Job, result: JobResult) -> None:
        """Count a job as done; epochs that it did not need are not expected any more."""
        self._images_left -= job.sample.images * self._epochs - result.images_seen
        state = JOB_STATES[result.status]
        self._jobs[job.trial, job.rung] = JobState(job.rung, state, result.score)

    def job_lost(self, job: Job, error: str, losses: int) -> None:
        """Count a lost job as waiting again: all of its epochs are to be expected once more."""
        self._images_left += self._seen.pop((job.trial, job.rung))
        self._jobs.pop((job.trial, job.rung), None)
