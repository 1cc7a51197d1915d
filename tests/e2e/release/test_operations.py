"""The commands of docs/operations.md for a backup and a restore, on a real sweep."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.in_process import searchctl
from tests.servers.missing import missing

pytestmark = pytest.mark.exhaustive

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
SWEEP = """
name: kept
data: {dataset: scenes, train: 32, val: 4, image_size: [16, 16]}
space: {lr: [0.1, 0.01, 0.03]}
halving: {min_fraction: 1/2, finalists: 1}
training: {model: simple_fcn, width: 4, epochs: 2}
"""


def commands(title):
    """Return the first block of commands below a title of the page."""
    return re.search(rf"## {title}\n.*?```\n(.*?)```", PAGE, re.DOTALL)[1].replace("NAME", "kept")


def run(folder, *arguments):
    done = searchctl(*arguments, cwd=folder)
    assert done.returncode in (0, 4), done.stderr
    return done.stdout


def numbers(folder):
    rows = json.loads(run(folder, "trials", "kept", "--json"))
    return [(row["trial"], row["rung"], row["score"], row["scores"]) for row in rows]


@pytest.fixture
def folders(tmp_path):
    """Two directories with the sweep; the second one stops after its first rung."""
    for name, more in (("undisturbed", ""), ("kept", "budget: {target: 0}\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sweep.yaml").write_text(SWEEP + more)
        run(tmp_path / name, "launch", "sweep.yaml", "--inline")
    (tmp_path / "kept" / "sweep.yaml").write_text(SWEEP)
    return tmp_path / "undisturbed", tmp_path / "kept"


def shell(script, folder):
    """Run commands as they stand in the page."""
    paths = f"export PATH={Path(sys.executable).parent}:$PATH\nset -e\n"
    done = subprocess.run(
        ["bash", "-c", paths + script], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("moved", [False, True], ids=["same place", "a link at the old path"])
def test_a_restored_sweep_is_verified_and_ends_with_the_same_numbers(folders, moved):
    if shutil.which("sqlite3") is None:
        missing("sqlite3", "sqlite3")
    undisturbed, kept = folders
    shell(commands("Back up"), kept)
    shutil.rmtree(kept / "runs")
    for file in kept.glob("searchctl.db*"):
        file.unlink()
    if moved:
        (kept / "elsewhere").mkdir()
        (kept / "runs").symlink_to("elsewhere")
        shutil.copytree(kept / "backup" / "runs", kept / "elsewhere", dirs_exist_ok=True)
        shutil.rmtree(kept / "backup" / "runs")
        (kept / "backup" / "runs").mkdir()
        restore = commands("Restore").replace("cp -a backup/runs .\n", "")
    else:
        restore = commands("Restore")
    printed = shell(restore.replace("resume kept", "resume kept --inline"), kept)
    assert "verified: " in printed
    assert "Winner: trial " in printed
    assert numbers(kept) == numbers(undisturbed)


def test_the_backup_without_the_sqlite3_command_is_whole(folders):
    _, kept = folders
    (kept / "backup").mkdir()
    line = re.search(r"`python -c (\"import sqlite3.*?\")`", PAGE)[1]
    shell(f"python -c {line}", kept)
    before = numbers(kept)
    shutil.move(kept / "backup" / "searchctl.db", kept / "searchctl.db")
    assert numbers(kept) == before
