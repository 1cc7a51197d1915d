"""verify and gc as commands, on sweeps that train on small scenes."""

import json
import os
import shutil
import signal
import sqlite3
import time
from contextlib import closing, suppress

import pytest

DECISIONS = """
    SELECT t.number, d.rung, d.verdict, d.score, d.rank FROM searchctl_decisions d
    JOIN searchctl_trials t ON t.id = d.trial_id ORDER BY d.rung, t.number
"""
FINALISTS = """
    SELECT t.number, d.rung FROM searchctl_decisions d JOIN searchctl_trials t ON t.id = d.trial_id
    WHERE d.verdict = 'complete'
"""
JOBS = """
    SELECT t.number, j.rung FROM searchctl_jobs j JOIN searchctl_trials t ON t.id = j.trial_id
"""
COMPLETE_JOBS = "SELECT count(*) FROM searchctl_jobs WHERE state = 'COMPLETE'"
JOB = "(SELECT j.id FROM searchctl_jobs j WHERE j.trial_id = {} AND j.rung = 0)"


def sql(folder, statement):
    with closing(sqlite3.connect(folder / "searchctl.db", timeout=30)) as db, db:
        return db.execute(statement).fetchall()


def files(folder):
    """Return a sweep's files by trial, rung and name."""
    found = (path.relative_to(folder / "runs/tiny") for path in folder.rglob("runs/tiny/*/*/*/*"))
    return sorted((int(p.parts[0][-4:]), int(p.parts[1][-1]), p.name) for p in found)


@pytest.fixture(scope="module")
def finished(tiny_sweep_directory, searchctl):
    done = searchctl("launch", "sweep.yaml", "--inline", cwd=tiny_sweep_directory)
    assert done.returncode == 0, done.stdout + done.stderr
    return tiny_sweep_directory


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the finished sweep and its files, to be spoilt."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    for table, column in (("sweeps", "spec"), ("jobs", "weights")):
        moved = f"{column} = replace({column}, '{finished}', '{tmp_path}')"
        sql(tmp_path, f"UPDATE searchctl_{table} SET {moved}")
    return tmp_path


@pytest.fixture
def paused(tmp_path, tiny, start_searchctl):
    """A sweep whose driver is alive, but stopped after three jobs."""
    (tmp_path / "sweep.yaml").write_text(tiny)
    process = start_searchctl("launch", "sweep.yaml", "--inline", cwd=tmp_path)
    deadline, complete = time.monotonic() + 120, 0
    while complete < 3:
        assert time.monotonic() < deadline
        assert process.poll() is None, (tmp_path / "output.txt").read_text()
        time.sleep(0.02)
        with suppress(sqlite3.OperationalError):  # not created yet
            complete = sql(tmp_path, COMPLETE_JOBS)[0][0]
    os.kill(process.pid, signal.SIGSTOP)
    return tmp_path, process


def test_a_finished_sweep_is_verified(finished, searchctl):
    done = searchctl("verify", "tiny", cwd=finished)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == [
        "rung 0: 8 decisions derived again from the evidence",
        "rung 1: 4 decisions derived again from the evidence",
        "rung 2: 2 decisions derived again from the evidence",
        "verified: 14 decisions of 'tiny' derived again from the evidence",
    ]


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        ("UPDATE searchctl_decisions SET rank = 9 WHERE id = 1", "rank is 9, but 1 by the scores"),
        ("UPDATE searchctl_jobs SET score = 0.99 WHERE id = 3", "but 0.99 by its job"),
        (
            "UPDATE searchctl_image_scores SET counts = (SELECT counts FROM searchctl_image_scores "
            f"WHERE job_id = {JOB.format(1)}) WHERE job_id = {JOB.format(8)}",
            "rung 0, trial 7: score of the job is",
        ),
        (
            f"DELETE FROM searchctl_image_scores WHERE job_id = {JOB.format(2)}",
            "but None by its images",
        ),
        (
            f"UPDATE searchctl_image_scores SET counts = x'00' WHERE job_id = {JOB.format(3)}",
            "but 'damaged' by its images",
        ),
        (
            f"UPDATE searchctl_image_scores SET counts = 'text' WHERE job_id = {JOB.format(3)}",
            "but 'damaged' by its images",
        ),
        (
            "UPDATE searchctl_class_scores SET iou = 2 WHERE class_id = 0 AND split = 'val' "
            f"AND job_id = {JOB.format(7)}",
            "rung 0, trial 6: IoU of class 0 is 2.0, but ",
        ),
        (
            "UPDATE searchctl_jobs SET evaluations = json_set(evaluations, '$.val.miou', 0.5)",
            "val miou is 0.5, but ",
        ),
        (
            "UPDATE searchctl_trials SET params = json_set(params, '$.lr', 7) WHERE number = 4",
            "trial 4: fingerprint of the params is ",
        ),
        (f"UPDATE searchctl_epochs SET val_miou = 2 WHERE job_id = {JOB.format(5)}", "epochs"),
        ("UPDATE searchctl_trials SET state = 'COMPLETE' WHERE state = 'PRUNED'", "state is"),
        ("DELETE FROM searchctl_decisions WHERE rung = 2", "number of decisions is 0, but 1"),
    ],
)
def test_whatever_was_changed_by_hand_is_named(spoil, named, copy, searchctl):
    sql(copy, spoil)
    done = searchctl("verify", "tiny", cwd=copy)
    assert done.returncode == 1
    assert named in done.stdout
    assert done.stdout.splitlines()[-1].startswith("not verified: ")


def test_weights_of_finalists_that_are_gone_are_named(copy, searchctl):
    shutil.rmtree(copy / "runs")
    done = searchctl("verify", "tiny", cwd=copy)
    assert done.returncode == 1
    assert done.stdout.count("model.safetensors', but 'missing' by its directory") == 2
    assert done.stdout.splitlines()[-1].startswith("not verified: 2 discrepancies")


def test_json_has_each_discrepancy_with_both_values(copy, searchctl):
    sql(copy, "UPDATE searchctl_decisions SET cohort = 7 WHERE id = 1")
    done = searchctl("verify", "tiny", "--json", cwd=copy)
    found = json.loads(done.stdout)
    assert (done.returncode, found["verified"], found["rungs"][0]["discrepancies"]) == (1, False, 1)
    (only,) = found["discrepancies"]
    assert (only["what"], only["stored"], only["derived"]) == ("cohort", 7, 8)


def test_a_finished_sweep_holds_its_finalists_weights_and_a_picture_of_each_job(
    finished, searchctl
):
    best = [(*key, "model.safetensors") for key in sql(finished, FINALISTS)]
    pictures = [(*key, "masks.png") for key in sql(finished, JOBS)]
    assert files(finished) == sorted([*best, *pictures])
    done = searchctl("gc", "tiny", cwd=finished)
    assert done.returncode == 0
    assert "left: 2 files" in done.stdout
    assert f"left: {len(pictures)} files" in done.stdout
    assert "removed: 0 files" in done.stdout
    assert files(finished) == sorted([*best, *pictures])


def test_gc_lists_files_and_then_removes_them(copy, searchctl):
    runs = copy / "runs/tiny"
    for stray in ("trial-0001/rung-0/lost/checkpoint.pt", "trial-0077/rung-1/lost/checkpoint.pt"):
        (runs / stray).parent.mkdir(parents=True)
        (runs / stray).write_bytes(bytes(1_500_000))
    before = files(copy)
    planned = searchctl("gc", "tiny", "--dry-run", cwd=copy)
    assert "would be removed: 2 files (3.0 MB)" in planned.stdout
    assert "the database knows no attempt trial-0077/rung-1/lost" in planned.stdout
    assert files(copy) == before
    done = json.loads(searchctl("gc", "tiny", "--json", cwd=copy).stdout)
    assert (done["files"], done["bytes"]) == (2, 3_000_000)
    assert len(files(copy)) == len(before) - 2


def test_beside_a_driver_verify_and_gc_disturb_nothing(paused, searchctl, finished):
    folder, process = paused
    stray = folder / "runs/tiny/trial-0001/rung-0/lost/checkpoint.pt"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.touch()
    verified = searchctl("verify", "tiny", cwd=folder)
    assert (verified.returncode, verified.stderr) == (0, "")
    collected = searchctl("gc", "tiny", cwd=folder)
    assert "trial-0001/rung-0/lost, left because" in collected.stdout
    assert stray.exists()
    process.kill()
    process.wait(30)
    assert searchctl("resume", "tiny", "--inline", cwd=folder).returncode == 0
    assert sql(folder, DECISIONS) == sql(finished, DECISIONS)
    assert "removed: 1 file " in searchctl("gc", "tiny", cwd=folder).stdout
    assert files(folder) == files(finished)
