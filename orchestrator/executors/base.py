"""The seam between the driver and whatever runs its jobs: executors pull."""

from typing import Protocol

from searchctl.orchestrator.core.pending import Waiting
from searchctl.orchestrator.executors.job import JobAttempt, Stop
from searchctl.orchestrator.halving.bracket import Signal
from searchctl.trainer.core.results import EpochRecord, JobResult

__all__ = ["Executor", "Source", "Stop"]


class Source(Protocol):
    """Where jobs come from and results go to. Called from one thread only."""

    def next_job(self) -> JobAttempt | Signal:
        """Return a job to run now, WAIT while none can start, DONE when the sweep is over."""

    def started(self, job: JobAttempt, worker: str) -> None:
        """Take note that a worker, "host:pid", has begun with a job."""

    def on_epoch(self, job: JobAttempt, record: EpochRecord) -> None:
        """Take note of an epoch of a running job."""

    def record(self, job: JobAttempt, result: JobResult) -> None:
        """Take the result of a job; one that is 'lost' or 'stopped' is to be tried again."""

    def waiting(self, waiting: Waiting | None) -> None:
        """Take note, every few seconds, of the jobs that have no room to begin; None if all have.

        Only an executor that shares its room with others tells of it.
        """

    def lost(self, job: JobAttempt, error: str) -> None:
        """Take note that a job's worker is gone; the job comes again from `next_job`."""


class Executor(Protocol):
    """Runs jobs until the source has no more, or until it is told to stop."""

    def run(self, source: Source, stop: Stop) -> None:
        """Pull jobs and run them until the source is DONE or `stop` is true.

        Jobs that are still running at a stop are abandoned and reported as lost. An error that the
        source raises ends the run and passes through.
        """
