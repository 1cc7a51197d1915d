"""Runs jobs one after another in this process: for debugging, and what the others must equal."""

import time

from orchestrator.bracket import Signal
from orchestrator.executors.base import Source, Stop
from orchestrator.job import Job, Runner, run_safely, train
from trainer.results import EpochRecord


class _Leave(BaseException):
    """Leaves a running job: told to stop, or (with a cause) the source failed.

    Not an Exception: what is raised while a job runs would else count as the job's own error.
    """


class InlineExecutor:
    """One job at a time, in the calling process."""

    def __init__(self, runner: Runner = train) -> None:
        self._runner = runner

    def run(self, source: Source, stop: Stop) -> None:
        """Run every job of the source in its order."""
        while not stop():
            job = source.next_job()
            if job is Signal.DONE:
                return
            if isinstance(job, Job):
                try:
                    self._run_one(job, source, stop)
                except _Leave as leave:
                    if leave.__cause__ is not None:
                        raise leave.__cause__ from None
                    source.lost(job, "stopped")
                    return
            else:
                time.sleep(0.05)  # a retry is waiting for its back-off

    def _run_one(self, job: Job, source: Source, stop: Stop) -> None:
        def on_epoch(record: EpochRecord) -> None:
            try:
                source.on_epoch(job, record)
            except Exception as error:
                raise _Leave from error
            if stop():
                raise _Leave

        source.record(job, run_safely(self._runner, job, on_epoch))
