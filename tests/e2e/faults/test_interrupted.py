"""A driver that is killed or stopped, and resumed, ends where an undisturbed one ends."""

import os
import signal
import sqlite3
import time
from contextlib import closing

import pytest

DECISIONS = """
    SELECT t.number, d.rung, d.verdict, d.score, d.rank FROM searchctl_decisions d
    JOIN searchctl_trials t ON t.id = d.trial_id ORDER BY d.rung, t.number
"""
ATTEMPTS = """
    SELECT t.number, j.rung, count(*) FROM searchctl_attempts a
    JOIN searchctl_jobs j ON j.id = a.job_id JOIN searchctl_trials t ON t.id = j.trial_id
    GROUP BY 1, 2
"""


def rows(folder, query):
    with closing(sqlite3.connect(folder / "searchctl.db", timeout=30)) as db:
        return db.execute(query).fetchall()


def wait_for_jobs(folder, count, process):
    """Wait until so many jobs of a running sweep are complete."""
    query = "SELECT count(*) FROM searchctl_jobs WHERE state = 'COMPLETE'"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, (folder / "output.txt").read_text()
        try:
            if rows(folder, query)[0][0] >= count:
                return
        except sqlite3.OperationalError:
            pass  # not created yet
        time.sleep(0.02)
    raise AssertionError("the sweep did not get that far")


@pytest.fixture(scope="module")
def undisturbed(tiny_sweep_directory, searchctl):
    assert searchctl("launch", "sweep.yaml", "--inline", cwd=tiny_sweep_directory).returncode == 0
    return rows(tiny_sweep_directory, DECISIONS)


@pytest.fixture
def folder(tmp_path, tiny):
    (tmp_path / "sweep.yaml").write_text(tiny)
    return tmp_path


@pytest.mark.parametrize(
    "executor",
    [
        pytest.param([], id="ray", marks=pytest.mark.exhaustive),
        pytest.param(["--inline"], id="inline"),
    ],
)
def test_a_killed_driver_resumes_to_the_same_decisions_and_refuses_an_edited_file(
    executor, folder, tiny, searchctl, start_searchctl, undisturbed
):
    process = start_searchctl("launch", "sweep.yaml", *executor, cwd=folder)
    wait_for_jobs(folder, 3, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    finished = {
        (trial, rung): attempts
        for trial, rung, attempts in rows(
            folder, ATTEMPTS.replace("GROUP", "WHERE j.state = 'COMPLETE' GROUP")
        )
    }
    (folder / "sweep.yaml").write_text(tiny.replace("epochs: 2", "epochs: 3"))
    refused = searchctl("resume", "tiny", *executor, cwd=folder)
    assert refused.returncode == 1
    assert "training.epochs: 2 -> 3" in refused.stderr
    resumed = searchctl("resume", "tiny", "--stored", *executor, cwd=folder)
    assert resumed.returncode == 0, resumed.stderr
    assert rows(folder, DECISIONS) == undisturbed
    attempts = {(trial, rung): count for trial, rung, count in rows(folder, ATTEMPTS)}
    assert {job: attempts[job] for job in finished} == finished  # none was run again


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.exhaustive)],
)
def test_a_signal_stops_within_20_seconds_and_loses_nothing(
    number, code, folder, searchctl, start_searchctl, undisturbed
):
    process = start_searchctl("launch", "sweep.yaml", cwd=folder)
    wait_for_jobs(folder, 2, process)
    sent = time.monotonic()
    os.kill(process.pid, number)
    assert process.wait(60) == code
    assert time.monotonic() - sent < 20
    assert "searchctl resume tiny" in (folder / "output.txt").read_text()
    assert rows(folder, "SELECT state FROM searchctl_sweeps") == [("STOPPED",)]
    assert searchctl("resume", "tiny", "--inline", cwd=folder).returncode == 0
    assert rows(folder, DECISIONS) == undisturbed


def test_resuming_a_finished_sweep_runs_nothing_and_gives_the_answer(
    tiny_sweep_directory, searchctl, undisturbed
):
    before = rows(tiny_sweep_directory, ATTEMPTS)
    again = searchctl("resume", "tiny", "--inline", cwd=tiny_sweep_directory)
    assert again.returncode == 0
    assert "Winner: trial" in again.stdout
    assert rows(tiny_sweep_directory, ATTEMPTS) == before
