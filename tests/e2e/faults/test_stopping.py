"""Sweeps that are ended before their end: by another terminal, a deadline, a second Ctrl-C."""

import json
import os
import signal
import sqlite3
import time
from contextlib import closing

import pytest


@pytest.fixture
def folder(tmp_path, tiny):
    (tmp_path / "sweep.yaml").write_text(tiny)
    return tmp_path


@pytest.fixture
def long_folder(tmp_path, tiny):
    """A sweep whose jobs take minutes: nothing but a stop ends it in time."""
    (tmp_path / "sweep.yaml").write_text(tiny.replace("epochs: 2", "epochs: 5000"))
    return tmp_path


def wait_for(folder, query, process):
    """Wait until a query on the running sweep's database finds something."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, (folder / "output.txt").read_text()
        try:
            with closing(sqlite3.connect(folder / "searchctl.db", timeout=30)) as db:
                if found := db.execute(query).fetchall():
                    return found
        except sqlite3.OperationalError:
            pass  # not created yet
        time.sleep(0.05)
    raise AssertionError(f"{query} found nothing")


RUNNING = "SELECT worker FROM searchctl_attempts WHERE worker IS NOT NULL"


@pytest.mark.parametrize(
    "executor",
    [
        pytest.param([], id="ray", marks=pytest.mark.exhaustive),
        pytest.param(["--inline"], id="inline"),
    ],
)
def test_stop_from_another_terminal_ends_a_sweep_and_resume_continues(
    executor, long_folder, searchctl, start_searchctl
):
    process = start_searchctl("launch", "sweep.yaml", *executor, cwd=long_folder)
    wait_for(long_folder, RUNNING, process)
    requested_at = time.monotonic()
    stopped = searchctl("stop", "tiny", "--wait", cwd=long_folder)
    assert "requested " in stopped.stdout
    assert process.wait(60) == 4
    assert time.monotonic() - requested_at < 20
    output = (long_folder / "output.txt").read_text()
    assert "`searchctl stop` requested it; missing: rung 0: 8 of 8 jobs" in output
    assert "searchctl resume tiny" in output
    status = json.loads(searchctl("status", "tiny", "--json", cwd=long_folder).stdout)
    assert (status["state"], status["driver"]) == ("STOPPED", None)
    again = searchctl("stop", "tiny", cwd=long_folder)
    assert "'tiny' has no driver to stop (STOPPED)" in again.stdout


def test_a_deadline_ends_a_sweep_with_a_code_of_its_own_and_says_what_is_missing(
    long_folder, searchctl
):
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + 5))
    done = searchctl("launch", "sweep.yaml", "--inline", "--deadline", moment, cwd=long_folder)
    assert done.returncode == 4, done.stderr
    assert "the deadline" in done.stdout
    assert "missing: rung 0: " in done.stdout
    assert "searchctl resume tiny" in done.stdout


@pytest.mark.exhaustive
def test_a_second_interrupt_leaves_at_once_and_resume_continues(folder, searchctl, start_searchctl):
    process = start_searchctl("launch", "sweep.yaml", cwd=folder)
    wait_for(folder, RUNNING, process)
    output = folder / "output.txt"
    os.kill(process.pid, signal.SIGINT)
    while "stopping; nothing is lost" not in output.read_text():
        time.sleep(0.01)  # two signals that are waiting are one
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(10) == -signal.SIGINT
    assert "stopped at once" in output.read_text()
    resumed = searchctl("resume", "tiny", "--inline", cwd=folder)
    assert resumed.returncode == 0, resumed.stderr


def test_ctrl_c_while_images_are_decoded_leaves_no_sweep(folder, tiny, start_searchctl, searchctl):
    slow = tiny.replace("native_size: [64, 96]", "native_size: [960, 1440]\n  cache_dir: cache")
    (folder / "sweep.yaml").write_text(slow.replace("train: 16", "train: 1000"))
    process = start_searchctl("launch", "sweep.yaml", cwd=folder)
    output = folder / "output.txt"
    while "decoding 1008 images, once for all trials" not in output.read_text():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert "stopped while decoding images" in output.read_text()
    assert list((folder / "cache").iterdir()) == []
    assert "tiny" not in searchctl("list", cwd=folder).stdout


def test_a_second_driver_is_refused_while_the_first_is_at_work(
    long_folder, searchctl, start_searchctl
):
    process = start_searchctl("launch", "sweep.yaml", "--inline", cwd=long_folder)
    wait_for(long_folder, RUNNING, process)
    second = searchctl("resume", "tiny", "--inline", cwd=long_folder)
    assert second.returncode == 5
    assert f":{process.pid}: follow it with `searchctl status`" in second.stderr
    assert process.poll() is None


def test_a_killed_sweep_is_shown_as_interrupted_once_its_lease_has_run_out(
    long_folder, searchctl, start_searchctl
):
    process = start_searchctl("launch", "sweep.yaml", "--inline", cwd=long_folder)
    wait_for(long_folder, RUNNING, process)
    process.kill()
    process.wait(30)
    with closing(sqlite3.connect(long_folder / "searchctl.db", timeout=30)) as db, db:
        db.execute("UPDATE searchctl_sweeps SET lease_expires = lease_expires - 60")
    shown = searchctl("status", "tiny", cwd=long_folder).stdout
    assert "tiny INTERRUPTED: its driver is gone, run `searchctl resume tiny`" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--deadline", "tomorrow"], "must be a date and time such as"),
        (["--max-gpu-hours", "2"], "resources.gpus_per_trial is 0"),
        (["--max-gpu-hours", "0"], "0.0 is not in the range x>0"),
    ],
)
def test_a_budget_that_cannot_be_meant_is_refused(arguments, message, folder, searchctl):
    refused = searchctl("launch", "sweep.yaml", *arguments, cwd=folder)
    assert refused.returncode == 2
    assert message in refused.stderr
    assert not (folder / "searchctl.db").exists()
