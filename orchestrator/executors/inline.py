"""Runs jobs one after another in this process: for debugging, and as the reference."""

import time
from dataclasses import replace

from searchctl.orchestrator.core.processes import worker_name
from searchctl.orchestrator.executors.base import Source, Stop
from searchctl.orchestrator.executors.job import JobAttempt, Runner, run_safely, train
from searchctl.orchestrator.halving.bracket import Signal
from searchctl.trainer.core.results import EpochRecord


class _SourceFailed(BaseException):
    """Leaves a running job because the source failed, which is the cause.

    Not an Exception: that would count as the job's own error.
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
            if isinstance(job, JobAttempt):
                try:
                    self._run_one(job, source, stop)
                except _SourceFailed as failed:
                    raise failed.__cause__ or failed from None
            else:
                time.sleep(0.05)  # a retry waits for its back-off, or the database is down

    def _run_one(self, job: JobAttempt, source: Source, stop: Stop) -> None:
        def on_epoch(record: EpochRecord) -> None:
            try:
                source.on_epoch(job, record)
            except Exception as error:
                raise _SourceFailed from error

        source.started(job, worker_name())
        # a debugger may hold the job for long; and this process must not be ended
        here = replace(job, stall_timeout_s=None)
        source.record(job, run_safely(self._runner, here, on_epoch, stop))
