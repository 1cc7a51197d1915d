"""Trials that failed for a cause that is gone, with real trainings and a kill in between."""

import signal
import sqlite3
from contextlib import closing

import pytest

from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.preparation.prepare import prepare
from tests.processes.in_process import searchctl as here
from tests.processes.polling import until

SWEEP = """\
name: own
data: {dataset: scenes, image_size: [24, 32], native_size: [24, 32], train: 16, val: 4, test: 2}
training: {model: "own_net:Net", epochs: 6, batch_size: 4}
space: {lr: [1e-1, 3e-2, 1e-2, 3e-3], model_args.width: [4, 6]}
"""
NET = """\
from pathlib import Path
from torch import nn


class Net(nn.Module):
    def __init__(self, classes, in_channels=3, width=4):
        super().__init__()
        self.width = width
        self.head = nn.Conv2d(in_channels, classes, width + 1, padding=width // 2)

    def forward(self, images):
        if self.width == 6 and Path("MARKER").exists():
            raise RuntimeError("the licence server is gone")
        return self.head(images)
"""


def sql(folder, statement):
    with closing(sqlite3.connect(folder / "searchctl.db", timeout=30)) as db:
        return db.execute(statement).fetchall()


@pytest.fixture
def failed(tmp_path):
    """A finished sweep in which all trials of width 6 have failed; the cause is gone."""
    marker = tmp_path / "broken"
    (tmp_path / "own_net.py").write_text(NET.replace("MARKER", str(marker)))
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    url = f"sqlite:///{tmp_path}/searchctl.db"
    prepared = prepare(load_sweep(tmp_path / "sweep.yaml"), url, tmp_path / "sweep.yaml")
    marker.touch()
    assert run(prepared, executor=InlineExecutor()).state == "COMPLETE"
    marker.unlink()
    return tmp_path


def test_a_retry_that_is_killed_ends_with_scores_and_verifies(failed, start_searchctl):
    before = sql(failed, "SELECT * FROM searchctl_decisions ORDER BY id")
    driver = start_searchctl("resume", "own", "--retry-failed", "--inline", cwd=failed)
    jobs = "SELECT count(*) FROM searchctl_jobs JOIN searchctl_trials t ON t.id = trial_id"
    until(lambda: sql(failed, f"{jobs} WHERE t.cohort = 1")[0][0])
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert sql(failed, "SELECT state FROM searchctl_sweeps") == [("RUNNING",)]
    done = here("resume", "own", "--inline", cwd=failed)
    assert done.returncode == 0, done.stdout + done.stderr
    again = sql(failed, "SELECT number FROM searchctl_trials WHERE cohort = 1 AND state != 'FAIL'")
    assert again == [(8,), (9,), (10,), (11,)]
    after = sql(failed, "SELECT * FROM searchctl_decisions ORDER BY id")
    assert after[: len(before)] == before
    verified = here("verify", "own", cwd=failed)
    assert verified.returncode == 0, verified.stdout
    assert "cohort 1, tries trial 1 again" in here("show", "own", "8", cwd=failed).stdout
    assert "cohort 0, tried again as trial 8" in here("show", "own", "1", cwd=failed).stdout
    assert "failed trials entered again: [" in here("logs", "own", cwd=failed).stdout
