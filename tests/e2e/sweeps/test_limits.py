"""A sweep with a limit on latency: real trainings, a kill, and the same decisions after it."""

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
data: {dataset: scenes, image_size: [24, 32], native_size: [48, 64], train: 16, val: 4, test: 2}
training: {model: "own_net:Net", epochs: 3, batch_size: 4}
space: {lr: [1e-1, 3e-2, 1e-2, 3e-3], model_args.depth: [0, 2]}
halving: {limits: {latency_ms: 100}}
inference: {mode: sliding_window, overlap: 0}
storage: {reuse: false}
"""
NET = """\
import time

from torch import nn


class Net(nn.Module):
    \"\"\"Each layer beside the head takes as long as those of a large network.\"\"\"

    def __init__(self, classes, in_channels=3, depth=0):
        super().__init__()
        self.depth = depth
        self.head = nn.Conv2d(in_channels, classes, 3, padding=1)

    def forward(self, images):
        if not self.training:
            time.sleep(0.1 * self.depth)
        return self.head(images)
"""
DECISIONS = """
    SELECT t.number, d.rung, d.verdict, d.score, d.rank, d.violation != ''
    FROM searchctl_decisions d JOIN searchctl_trials t ON t.id = d.trial_id ORDER BY 2, 1
"""
MEASURED = "SELECT quantity, subject, value, trial FROM searchctl_measurements ORDER BY id"


def sql(folder, statement):
    with closing(sqlite3.connect(folder / "searchctl.db", timeout=30)) as db:
        return db.execute(statement).fetchall()


@pytest.mark.exhaustive
def test_the_larger_network_is_below_all_others_also_after_a_kill(tmp_path, start_searchctl):
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    for folder in (calm, killed):
        folder.mkdir()
        (folder / "own_net.py").write_text(NET)
        (folder / "sweep.yaml").write_text(SWEEP)
    url = f"sqlite:///{calm}/searchctl.db"
    prepared = prepare(load_sweep(calm / "sweep.yaml"), url, calm / "sweep.yaml")
    assert run(prepared, executor=InlineExecutor()).state == "COMPLETE"
    expected = sql(calm, DECISIONS)
    assert {(trial % 2, violates) for trial, *_, violates in expected} == {(0, 0), (1, 1)}
    assert {trial % 2 for trial, rung, *_ in expected if rung > 0} == {0}
    driver = start_searchctl("launch", "sweep.yaml", "--inline", cwd=killed)
    count = "SELECT count(*) FROM searchctl_measurements"
    until(
        lambda: (
            (killed / "searchctl.db").exists() and _tables(killed) and sql(killed, count) == [(2,)]
        )
    )
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    before = sql(killed, MEASURED)
    done = here("resume", "own", "--inline", cwd=killed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sql(killed, MEASURED) == before
    assert sql(killed, DECISIONS) == expected
    verified = here("verify", "own", cwd=killed)
    assert verified.returncode == 0, verified.stdout
    assert "latency" in here("explain", "own", "1", cwd=killed).stdout


def _tables(folder):
    return sql(folder, "SELECT 1 FROM sqlite_master WHERE name = 'searchctl_measurements'")
