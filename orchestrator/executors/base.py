"""The interface between a driver and what runs its jobs: executors pull."""

from typing import Protocol

from searchctl.orchestrator.core.pending import Waiting
from searchctl.orchestrator.executors.job import JobAttempt, Stop
from searchctl.orchestrator.halving.bracket import Signal
from searchctl.trainer.core.results import EpochRecord, JobResult

__all__ = ["Executor", "Source", "Stop"]


class Source(Protocol):
    """Hands out jobs and takes their results: a driver. Called from one thread only."""

    def next_job(self) -> JobAttempt | Signal:
        """Return a job to run now, WAIT while none can start, DONE when the sweep is over."""

    def upcoming(self) -> int:
        """Return how many jobs may run at once from now on, at most, the running ones included.

        An executor keeps no more workers than this while a rung waits for its last jobs.
        """

    def started(self, job: JobAttempt, worker: str) -> None:
        """Record that a worker, "host:pid", has started a job."""

    def on_epoch(self, job: JobAttempt, record: EpochRecord) -> None:
        """Record an epoch of a running job."""

    def record(self, job: JobAttempt, result: JobResult) -> None:
        """Record the result of a job; one that is 'lost' or 'stopped' is retried."""

    def waiting(self, waiting: Waiting | None) -> None:
        """Record the jobs that wait for room in the cluster, every few seconds; None if none does.

        Only an executor that shares its cluster with others calls it.
        """

    def lost(self, job: JobAttempt, error: str) -> None:
        """Record that a job's worker is gone; `next_job` returns the job again."""


class Executor(Protocol):
    """Runs jobs until the source has no more, or a stop is requested."""

    def run(self, source: Source, stop: Stop) -> None:
        """Pull jobs and run them until the source is DONE or `stop` is true.

        Jobs that still run at a stop are abandoned and reported as lost. An error that the source
        raises ends the run and is raised here.
        """
