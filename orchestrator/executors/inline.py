"""Runs jobs one after another in this process: for debugging, and what the others must equal."""

import time

from orchestrator.bracket import Signal
from orchestrator.executors.base import Source, Stop
from orchestrator.job import Job, Runner, run_safely, train
from trainer.results import EpochRecord


class _Stopped(BaseException):
    """Leaves a running job; no handler for errors may catch it."""


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
                except _Stopped:
                    return
            else:
                time.sleep(0.05)  # a retry is waiting for its back-off

    def _run_one(self, job: Job, source: Source, stop: Stop) -> None:
        def on_epoch(record: EpochRecord) -> None:
            source.on_epoch(job, record)
            if stop():
                raise _Stopped

        source.record(job, run_safely(self._runner, job, on_epoch))
