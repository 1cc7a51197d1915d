"""Measures how long a card has no job while a ladder runs; needs Ray and the orchestrator."""

import importlib.util
import sqlite3
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

NEEDED = ("ray", "optuna", "sqlalchemy", "alembic", "click", "rich", "ruamel.yaml")
SWEEP = """
name: idle
data: {{dataset: scenes, image_size: [{side}, {side}], native_size: [{side}, {side}],
       train: {images}, val: 8, test: 8}}
training: {{model: unet, width: {width}, epochs: 4, batch_size: 4}}
space: {{lr: {lrs}}}
halving: {{finalists: 1}}
resources: {{cpus_per_trial: 1, gpus_per_trial: {gpus}, max_parallel: 1}}
"""
JOBS = "SELECT SUM(seconds), COUNT(*) FROM searchctl_jobs"
ENDS = "SELECT MIN(started_at), MAX(ended_at) FROM searchctl_attempts"


def idle(setup):
    """Run a ladder on one slot; between its first and its last job, count the time without one."""
    missing = [name for name in NEEDED if not _is_installed(name)]
    if missing:
        return {"not measured": f"not installed: {', '.join(missing)}"}
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sweep.yaml").write_text(_sweep(setup))
        command = [sys.executable, "-m", "searchctl", "launch", "sweep.yaml"]
        command += ["--db", "sqlite:///idle.db"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if ended.returncode:
            raise RuntimeError(ended.stdout[-2000:] + ended.stderr[-2000:])
        return _share(folder / "idle.db")


def _sweep(setup):
    side, images, width, trials = (32, 16, 4, 4) if setup.tiny else (256, 64, 32, 8)
    lrs = [round(1e-3 * (1 + number), 4) for number in range(trials)]
    gpus = int(setup.on_gpu)
    return SWEEP.format(side=side, images=images, width=width, lrs=lrs, gpus=gpus)


def _share(database):
    connection = sqlite3.connect(database)
    try:
        (busy, jobs), ends = (connection.execute(query).fetchone() for query in (JOBS, ENDS))
    finally:
        connection.close()
    first, last = map(datetime.fromisoformat, ends)
    wall = (last - first).total_seconds()
    return {
        "jobs": jobs,
        "seconds": round(wall, 1),
        "seconds of jobs": round(busy, 1),
        "idle_share": round(max(0.0, 1 - busy / wall), 3),
    }


def _is_installed(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a parent of it is missing
        return False
