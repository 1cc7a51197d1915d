"""A database that was put back to an earlier state, with the files of a later one."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from searchctl.orchestrator.core.errors import SweepBlocked
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.run.trial import run_job

SMALL = {
    "data": {"dataset": "scenes", "native_size": [24, 32], "image_size": [24, 32]}
    | {"train": 16, "val": 2, "test": 2},
    "training": {"epochs": 1, "batch_size": 2, "width": 4},
    "halving": {"continue": "warm"},
    "resources": {"max_attempts": 1},
}
SPACE = {"lr": [0.1, 0.03, 0.01, 0.003]}  # 4 jobs on half of the images, then 2 on all


def copy(source, target):
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)


@pytest.mark.parametrize("done", [pytest.param(4, marks=pytest.mark.exhaustive), 5])
def test_a_missing_file_that_the_sweep_wrote_is_no_trial_s_fault(done, sweeps, tmp_path):
    database, earlier = sweeps.folder / "sweeps.db", tmp_path / "earlier.db"
    started = []

    def runner(job, on_epoch, stop):
        if len(started) == done:
            copy(database, earlier)
            shutil.copytree(sweeps.folder / "runs", tmp_path / "earlier")
        started.append(job)
        return run_job(job, on_epoch=on_epoch, stop=stop)

    sweeps.launch(runner, SPACE, **SMALL)
    ended = states(sweeps)
    copy(earlier, database)
    with pytest.raises(SweepBlocked, match="is gone: a job of this sweep starts from these"):
        sweeps.resume(runner)
    assert "FAIL" not in {state for _, state in states(sweeps)}
    shutil.copytree(tmp_path / "earlier", sweeps.folder / "runs", dirs_exist_ok=True)
    sweeps.resume(runner)
    assert states(sweeps) == ended


def states(sweeps):
    engine = open_database(sweeps.url)
    rows = queries.trials(engine, queries.find_sweep(engine, "quick"))
    return [(row.number, row.state) for row in rows]
