"""Sweeps on the real database, with jobs that train nothing; and small jobs that do train."""

import sqlite3
from contextlib import closing

import pytest

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.trainer import Sample
from searchctl.trainer.core.results import EpochRecord, Evaluation, JobResult
from tests.jobs.small_jobs import SETTINGS, run_small

EIGHT = {"lr": [0.1, 0.01, 0.001, 0.0001], "weight_decay": [0, 0.1]}


def score_of(job):
    """Return a score that differs from trial to trial: 0.8 for trial 5, then 2, 7, 4, 1, ..."""
    return (1 + job.trial * 3 % 8) / 10 + job.rung / 100


def quick(job, on_epoch, stop):
    """Return a score at once, with all that a training returns beside it."""
    record = EpochRecord(1, 1.0, 0.1, job.sample.images, 0.0, 0.5, score_of(job))
    on_epoch(record)
    return JobResult(
        "complete",
        score_of(job),
        kept_epoch=1,
        epochs=(record,),
        evaluations={"val": Evaluation(0.5, score_of(job), 0.6, 0.7, (0.4,), (0.6,))},
        seconds=1.5,
        images_seen=job.sample.images,
        trainable_parameters=7,
        weights=job.out / "model.safetensors" if job.keep_weights else None,
    )


class Sweeps:
    """Launches and resumes sweeps in one database."""

    def __init__(self, folder):
        self.folder = folder
        self.url = f"sqlite:///{folder}/sweeps.db"

    def sweep(self, space=None, **sections):
        return Sweep.model_validate(
            {
                "name": "quick",
                "data": {"dataset": "scenes", "train": 32, "val": 2, "test": 2},
                "training": {"batch_size": 2, "epochs": 1},
                "space": EIGHT if space is None else space,
                "storage": {"runs": str(self.folder / "runs")},
                **sections,
            }
        )

    def prepare(self, space=None, **sections):
        return prepare(self.sweep(space, **sections), self.url)

    def launch(self, runner=quick, space=None, executor=None, **sections):
        prepared = self.prepare(space, **sections)
        return prepared, run(prepared, executor=executor or InlineExecutor(runner))

    def resume(self, runner=quick, name="quick"):
        prepared = prepare_resume(name, self.url)
        return prepared, run(prepared, executor=InlineExecutor(runner))


@pytest.fixture(scope="session")
def sweeps_below():
    """Makes a database of sweeps with quick jobs, below a directory."""
    return Sweeps


@pytest.fixture
def sweeps(tmp_path):
    """A database of sweeps with quick jobs, in an empty directory."""
    return Sweeps(tmp_path)


@pytest.fixture
def sqlite_run(sweeps):
    """Change a row of the database by hand."""

    def execute(statement):
        with closing(sqlite3.connect(sweeps.folder / "sweeps.db")) as db, db:
            assert db.execute(statement).rowcount

    return execute


@pytest.fixture(scope="session")
def quick_runner():
    """A runner whose scores are those of `score_of`."""
    return quick


@pytest.fixture(name="run")
def run_small_job(small_scenes, tmp_path):
    """Run a small job with some params and arguments in place of the usual ones."""

    def job(params=None, *, images=16, whole="train", **arguments):
        sample = Sample(small_scenes, images=images, seed=7, whole=whole)
        return run_small(SETTINGS, sample, params=params or {}, **{"out": tmp_path} | arguments)

    return job
