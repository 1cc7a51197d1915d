"""Gives every tuner the same space, data and budget, and judges the winners by new seeds.

    python -m benchmarks.peers.measure CAMVID FOLDER             # all; a second call does the rest
    python -m benchmarks.peers.measure CAMVID FOLDER --part 0/2  # every second run

CAMVID holds train.txt, train/, ... FOLDER receives a folder for each run. Seeds are outermost, so
that a benchmark that was stopped is complete for its first seeds. The environments of peers are
made in --cache. The result is benchmarks/results/peers.json; `python -m benchmarks.peers.page`
writes its table to docs/peers.md.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from searchctl import load_sweep
from searchctl.orchestrator.halving.rule import plan_ladder

from . import judge, processes
from .data import lines, prepare
from .environments import pythons
from .results import write
from .space import EPOCHS

SEEDS = (0, 1, 2)
ROOT = Path(__file__).parents[2]
SWEEP = Path(__file__).with_name("sweep.yaml")
Row = dict[str, Any]


def main() -> None:
    """Measure what is missing, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("camvid", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "searchctl-peers")
    parser.add_argument("--part", default="0/1", help="I/N: every Nth run, from run I")
    given = parser.parse_args()
    folder = given.folder.absolute()
    prepare(given.camvid, folder / "data")
    part, parts = map(int, given.part.split("/"))
    tools = pythons(given.cache.absolute())
    runs = [(seed, tuner) for seed in SEEDS for tuner in tools][part::parts]
    for seed, tuner in runs:
        row = _run(tuner, seed, tools[tuner], folder)
        for new_seed in judge.SEEDS:
            _judged(row, new_seed, folder)
    write(folder)


def budget(images: int) -> int:
    """Return the training images that searchctl's ladder uses in all of its epochs."""
    sweep = load_sweep(SWEEP)
    rungs = plan_ladder(sweep.search.trials, images).rungs
    return EPOCHS * sum(rung.trials * rung.images for rung in rungs)


def _run(tuner: str, seed: int, python: str, folder: Path) -> Row:
    home = folder / f"{tuner}-{seed}"
    stored = home / "run.json"
    if not stored.exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        command = [python, "-m", f"benchmarks.peers.tuners.{tuner}"]
        env = _environment(seed, folder / "data", home)
        used = processes.run(command, cwd=home, env=env, log=home / "log")
        winner = json.loads((home / "winner.json").read_text())
        row = {"tuner": tuner, "seed": seed, **winner, **used.to_json()}
        stored.write_text(json.dumps(row))
        print(row, flush=True)
    return dict(json.loads(stored.read_text()))


def _environment(seed: int, data: Path, home: Path) -> dict[str, str]:
    images = lines(data, "train")
    given = {
        "PEERS_DATA": data,
        "PEERS_PYTHON": sys.executable,
        "PEERS_SEED": seed,
        "PEERS_SPENT": home / "spent",
        "PEERS_IMAGES": images,
        "PEERS_BUDGET": budget(images),
        "PYTHONPATH": ROOT,
        "OMP_NUM_THREADS": 1,
        "SYNETUNE_FOLDER": home / "syne",
        "RAY_worker_niceness": 0,  # by default Ray gives its workers a lower priority
    }
    return {**os.environ, **{name: str(value) for name, value in given.items()}}


def _judged(row: Row, new_seed: int, folder: Path) -> None:
    stored = folder / f"{row['tuner']}-{row['seed']}" / f"judged-{new_seed}.json"
    if not stored.exists():
        stored.write_text(json.dumps(judge.judge(row["params"], new_seed, folder / "data")))


if __name__ == "__main__":
    main()
