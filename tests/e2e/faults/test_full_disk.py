"""A disk that is full under a running sweep: what is printed, and that nothing is lost.

The disk is a small one in memory, in a mount namespace of its own.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SWEEP = """
name: full
data: {dataset: scenes, train: 64, val: 4, image_size: [32, 32]}
space: {lr: [0.1, 0.01, 0.03]}
halving: {min_fraction: 1/4, finalists: 1}
training: {model: simple_fcn, width: 16, epochs: 2}
storage: {runs: RUNS}
resources: {checkpoint_every: 0}
"""
SCRIPT = """
mount -t tmpfs -o size=8m tmpfs disk
head -c ${FILLED}k /dev/zero > disk/filler
searchctl launch sweep.yaml --inline --db "$DB"
echo "exit code $?"
searchctl status full --db "$DB"
rm disk/filler
searchctl resume full --inline --db "$DB" || exit 1
searchctl verify full --db "$DB" || exit 1
searchctl trials full --db "$DB" --json > trials.json
"""
NAMESPACE = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))


@pytest.fixture
def on_a_small_disk(tmp_path):
    """Return a function that launches a sweep on a full disk, and resumes it with room."""
    trial = [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    if shutil.which("unshare") is None or subprocess.run(trial, capture_output=True).returncode:
        pytest.skip("needs root, or user namespaces, to mount a small disk")

    def run(runs, db, filled_kb):
        (tmp_path / "disk").mkdir(exist_ok=True)
        (tmp_path / "sweep.yaml").write_text(SWEEP.replace("RUNS", runs))
        paths = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {**os.environ, "DB": f"sqlite:///{db}", "FILLED": str(filled_kb), "PATH": paths}
        done = subprocess.run(
            [*NAMESPACE, "bash", "-c", SCRIPT],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr, numbers((tmp_path / "trials.json").read_text())

    return run


def numbers(text):
    """Return all that is computed of each trial: times differ between any two runs."""
    return [(row["trial"], row["state"], row["score"], row["scores"]) for row in json.loads(text)]


@pytest.mark.exhaustive
def test_a_sweep_stops_at_a_full_disk_and_continues_to_the_same_numbers(on_a_small_disk):
    printed, undisturbed = on_a_small_disk("runs", "s.db", 0)
    assert "exit code 0" in printed
    for runs, db, filled_kb, message in (
        ("disk/runs", "t.db", 8100, r"No space left on device: "),
        ("elsewhere", "disk/s.db", 7300, "the database sqlite:///disk/s.db cannot store anything"),
    ):
        printed, found = on_a_small_disk(runs, db, filled_kb)
        assert "exit code 1" in printed
        assert message in printed
        assert "MB of 8 MB are free there" in printed
        assert "searchctl resume" in printed
        assert "(lost attempt 2)" not in printed  # no job is trained again on a full disk
        assert found == undisturbed
