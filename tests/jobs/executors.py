"""Executors under test, a driver without a database, and a quick job."""

import os
import threading
from fractions import Fraction

from upath import UPath

from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.halving.bracket import Bracket, BracketJob
from searchctl.orchestrator.halving.rule import Outcome, plan_ladder
from searchctl.searchspace import Params
from searchctl.trainer.core.results import EpochRecord, JobResult
from searchctl.trainer.data.settings import Sample, ScenesData
from searchctl.trainer.settings.training import TrainSettings
from tests.jobs.tune_double import TuneDouble

EXECUTORS = {"inline": InlineExecutor, "ray": TuneDouble}
"""Executors without Ray; a real Ray is in test_ray_executor.py."""


class BracketSource:
    """A driver without a database: a bracket that records everything that is reported to it."""

    def __init__(self, trials=6, images=60):
        self.bracket = Bracket(plan_ladder(trials, images), "maximize")
        self.issued, self.results, self.epochs, self.losses, self.decisions = [], [], [], [], []
        self.workers, self.waits = [], []
        self.threads = set()

    def next_job(self):
        self.threads.add(threading.get_ident())
        slot = self.bracket.next_job()
        if not isinstance(slot, BracketJob):
            return slot
        self.issued.append((slot.rung.number, slot.trial))
        return JobAttempt(
            trial=slot.trial,
            rung=slot.rung.number,
            token="0",
            params=Params({"lr": 0.1 * (slot.trial + 1)}),
            settings=TrainSettings(),
            sample=Sample(ScenesData(dataset="scenes"), slot.rung.images, 0),
            fraction=Fraction(slot.rung.fraction),
            out=UPath("unused"),
        )

    def upcoming(self):
        return self.bracket.upcoming

    def started(self, job, worker):
        self.workers.append((job.rung, job.trial, worker))

    def on_epoch(self, job, record):
        self.epochs.append((job.trial, job.rung, record.epoch))

    def record(self, job, result):
        self.threads.add(threading.get_ident())
        if result.status in ("lost", "stopped"):
            self.lost(job, result.error or "stopped")
            return
        self.results.append((job.rung, job.trial, result))
        outcome = Outcome(job.trial, job.rung, result.score, failed=result.status == "failed")
        self.decisions += self.bracket.record(outcome)

    def waiting(self, waiting):
        self.waits.append(waiting)

    def lost(self, job, error):
        self.losses.append((job.rung, job.trial))
        if error != "stopped":
            self.bracket.release(job.trial)


def never():
    return False


def quick(job, on_epoch, stop):
    for epoch in (1, 2):
        on_epoch(EpochRecord(epoch, 1.0, job.params["lr"], job.sample.images, 0.0))
    return JobResult("complete", (job.trial * 5 + job.rung) % 7, sample_hash=str(os.getpid()))


def by_value(function):
    """Return a function that workers get as code: they cannot import the tests."""
    import ray.cloudpickle

    ray.cloudpickle.register_pickle_by_value(__import__("sys").modules[function.__module__])
    return function
