"""Runners whose jobs are lost, diverge or lack memory, or in which the driver dies."""

from collections import Counter

from searchctl.orchestrator.halving.bracket import Signal
from searchctl.trainer.core.results import JobResult


class Died(BaseException):
    """The process ends here: no later code runs."""


class LosingExecutor:
    """Runs jobs as the inline executor does, but loses some attempts with their workers."""

    def __init__(self, runner, lost):
        self._runner, self._lost = runner, Counter(lost)

    def run(self, source, stop):
        while (job := source.next_job()) is not Signal.DONE:
            if self._lost[job.trial, job.rung]:
                self._lost[job.trial, job.rung] -= 1
                source.lost(job, "the worker died")
            else:
                source.record(job, self._runner(job, lambda record: None, never))


def never():
    return False


def dies_at(runner, count):
    """Run so many jobs, and die in the next."""
    jobs = iter(range(count))

    def run(job, on_epoch, stop):
        if next(jobs, None) is None:
            raise Died
        return runner(job, on_epoch, stop)

    return run


def diverging(runner, *trials):
    def run(job, on_epoch, stop):
        if job.trial in trials:
            return JobResult("diverged", None, error="the loss is nan in epoch 1")
        return runner(job, on_epoch, stop)

    return run


def out_of_memory(runner, times, *trials):
    """Run jobs, but let those of some trials run out of GPU memory so many times."""
    left = Counter(dict.fromkeys(trials, times))

    def run(job, on_epoch, stop):
        if left[job.trial]:
            left[job.trial] -= 1
            return JobResult("lost", None, error="OutOfMemoryError: CUDA\n\nTraceback: line 7")
        return runner(job, on_epoch, stop)

    return run
