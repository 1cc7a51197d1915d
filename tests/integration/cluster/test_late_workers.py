"""A worker that is taken for dead and is not: it can neither report nor overwrite its successor."""

import hashlib
import multiprocessing
import os
import signal

import pytest

from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.executors.job import train
from searchctl.orchestrator.halving.bracket import Signal
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.storage.reads import queries
from tests.jobs.checkpoints import when_written

SMALL = {
    "data": {
        "dataset": "scenes",
        "image_size": [24, 32],
        "native_size": [24, 32],
        "train": 16,
        "val": 4,
        "test": 2,
    },
    "training": {"width": 4, "epochs": 4, "batch_size": 4, "augment": "flips", "threads": 1},
    "space": {"lr": [0.1, 0.01, 0.001]},
    "halving": {"continue": "warm"},
    "resources": {"checkpoint_every": 0},
}


def work(job, queue):
    queue.put(train(job, when_written(job.out, queue.put), lambda: False))


class Worker:
    """One job in a process of its own."""

    def __init__(self, job):
        context = multiprocessing.get_context("spawn")
        self.job, self.queue = job, context.Queue()
        self.process = context.Process(target=work, args=(job, self.queue), daemon=True)
        self.process.start()

    def next_report(self):
        return self.queue.get(timeout=120)

    def result(self, source):
        while not hasattr(found := self.next_report(), "status"):
            source.on_epoch(self.job, found)
        self.process.join(30)
        return found

    def signal(self, number):
        os.kill(self.process.pid, number)


class FreezingExecutor:
    """Stops the worker of the first job in mid-training, replaces it, and resumes it."""

    def __init__(self):
        self.files = []

    def run(self, source, stop):
        frozen = Worker(source.next_job())
        source.on_epoch(frozen.job, frozen.next_report())
        frozen.signal(signal.SIGSTOP)
        source.lost(frozen.job, "no sign of life")
        successor = Worker(source.next_job())
        assert successor.job.trial == frozen.job.trial
        result = successor.result(source)
        self.first_epoch = result.first_epoch
        source.record(successor.job, result)
        self.files.append(contents(successor.job.out))
        frozen.signal(signal.SIGCONT)
        source.record(frozen.job, frozen.result(source))
        self.files.append(contents(successor.job.out))
        while (job := source.next_job()) is not Signal.DONE:
            source.record(job, train(job, lambda record: None, lambda: False))


def contents(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture
def undisturbed(sweeps_below, tmp_path_factory):
    prepared = sweeps_below(tmp_path_factory.mktemp("undisturbed")).prepare(**SMALL)
    run(prepared, executor=InlineExecutor())
    return queries.decisions(prepared.engine, prepared.row)


@pytest.mark.exhaustive
def test_a_worker_that_was_replaced_and_comes_back_changes_nothing(sweeps, undisturbed):
    prepared, executor = sweeps.prepare(**SMALL), FreezingExecutor()
    row = run(prepared, executor=executor)
    assert row.state == "COMPLETE"
    assert queries.decisions(prepared.engine, row) == undisturbed
    assert executor.first_epoch == 2  # the successor continued from the other's checkpoint
    before, after = executor.files
    assert before == after
    assert "model.safetensors" in before
    outcomes = [a.outcome for a in queries.attempts(prepared.engine, row, 0)][:2]
    assert outcomes == ["lost", "complete"]
    assert "late" in [event.kind for event in queries.events(prepared.engine, row)]
