"""Trains every configuration of a space at every fidelity, with several seeds: the truth table.

    python -m benchmarks.ladder.make DATA FOLDER prepare         # once: the data set, the weights
    python -m benchmarks.ladder.make DATA FOLDER unet --part 0/4 # part 0 of 4 of the jobs
    python -m benchmarks.ladder.make DATA FOLDER finetune
    python -m benchmarks.ladder.make DATA FOLDER warm            # whole ladders of `continue: warm`

DATA holds camvid/ and oxford_pets/. FOLDER receives one file of rows for each table and part, a row
for each job, written when the job ends; a second call does what is missing. Seeds are outermost, so
that a table that was stopped is complete for its first seeds. Parts may run at the same time, each
in a process of its own. Each job is the product's own `run_job` on the product's own sample; warm
ladders are launched as a sweep is.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from upath import UPath

from searchctl import launch, load_sweep
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer import run_job
from searchctl.trainer.data.samples import load_split
from searchctl.trainer.data.settings import Sample
from searchctl.trainer.run.job import TrialJob

SWEEPS = Path(__file__).parent / "sweeps"
EVERY_HALF = [Fraction(1, d) for d in (16, 8, 4, 2, 1)]
FRACTIONS = {
    "unet": EVERY_HALF,
    "fcn": EVERY_HALF,
    "finetune": [Fraction(1, d) for d in (16, 4, 1)],
}
SEEDS = {"unet": 6, "fcn": 6, "finetune": 4, "warm": 4}
PETS = "pets.safetensors"
Row = dict[str, Any]


def main() -> None:
    """Make one part of one table, or what all tables need."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("what", choices=["prepare", *SEEDS])
    parser.add_argument("--part", default="0/1", help="I/N: every Nth job, from job I")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    part, parts = map(int, given.part.split("/"))
    file = given.folder / f"{given.what}-{part}.jsonl"
    if given.what == "prepare":
        _halve(given.data / "camvid", given.folder / "camvid-half")
        _train_on_pets(given.data / "oxford_pets", given.folder)
    elif given.what == "warm":
        _add(file, _warm(given.folder, range(part, SEEDS["warm"], parts), _done(file)))
    else:
        _add(file, _cold(given.what, given.folder, part, parts, _done(file)))


def _halve(camvid: Path, half: Path) -> None:
    """Make a CamVid with every second image of each list."""
    half.mkdir(exist_ok=True)
    for each in sorted(camvid.iterdir()):
        to = half / each.name
        if each.is_dir() and not to.exists():
            to.symlink_to(each.resolve())
        elif each.is_file():
            to.write_text("".join(each.read_text().splitlines(keepends=True)[::2]))


def _train_on_pets(pets: Path, folder: Path) -> None:
    """Train the network on pets, and keep its weights."""
    sweep = load_sweep(SWEEPS / "pets.yaml", data_root=pets)
    images = len(load_split(sweep.data, "train").names)
    job = TrialJob(
        settings=sweep.recipe,
        sample=Sample(sweep.data, images, sweep.seed),
        out=UPath(folder / "pets"),
        keep_weights=True,
        device="cpu",
    )
    result = run_job(job)
    if result.weights is None:
        raise SystemExit(f"the training on pets ended as {result.status}: {result.error}")
    Path(str(result.weights)).replace(folder / PETS)
    print(f"pets: mIoU {result.score:.3f} on {images} images")


def _done(file: Path) -> set[tuple[int, int, int]]:
    rows = map(json.loads, file.read_text().splitlines()) if file.exists() else ()
    return {(row["seed"], row["images"], row["trial"]) for row in rows}


def _add(file: Path, rows: Iterable[Row]) -> None:
    for row in rows:
        with file.open("a") as out:
            out.write(json.dumps(row) + "\n")


def _sweep(name: str, folder: Path) -> Sweep:
    return load_sweep(SWEEPS / f"{name}.yaml", data_root=folder / "camvid-half")


def _cold(
    name: str, folder: Path, part: int, parts: int, done: set[tuple[int, int, int]]
) -> Iterator[Row]:
    """Yield the rows of independent jobs."""
    sweep = _sweep(name, folder)
    total = len(load_split(sweep.data, "train").names)
    jobs = [
        (seed, ceil(fraction * total), trial)
        for seed in range(SEEDS[name])
        for fraction in FRACTIONS[name]
        for trial in range(len(sweep.trials()))
    ]
    start = UPath(folder / PETS) if name == "finetune" else None
    for seed, images, trial in jobs[part::parts]:
        if (seed, images, trial) not in done:
            yield _job_row(sweep, seed, images, trial, start)


def _job_row(sweep: Sweep, seed: int, images: int, trial: int, start: UPath | None) -> Row:
    with TemporaryDirectory() as out:
        job = TrialJob(
            settings=sweep.recipe,
            params=sweep.trials()[trial],
            sample=Sample(sweep.data, images, seed),
            out=UPath(out),
            init_from=start,
            device="cpu",
        )
        result = run_job(job)
    epochs = [_short(epoch.val_miou) for epoch in result.epochs]
    return {
        "seed": seed,
        "images": images,
        "trial": trial,
        "score": _short(result.score),
        "status": result.status,
        "epochs": epochs,
        "seconds": round(result.seconds, 2),
    }


def _short(score: float | None) -> float | None:
    return score if score is None else round(score, 6)


def _warm(folder: Path, seeds: Iterable[int], done: set[tuple[int, int, int]]) -> Iterator[Row]:
    """Launch a ladder of `continue: warm` for each seed, and yield the rows of its jobs."""
    unet = _sweep("unet", folder)
    storage = unet.storage.model_copy(update={"runs": str(folder / "runs")})
    halving = unet.halving.model_copy(update={"continue_": "warm"})
    for seed in seeds:
        if any(row[0] == seed for row in done):
            continue
        same = {"storage": storage, "halving": halving}
        sweep = unet.model_copy(update={"name": f"ladder-warm-{seed}", "seed": seed, **same})
        stored = launch(sweep, db=f"sqlite:///{folder}/warm-{seed}.db", inline=True)
        row = queries.find_sweep(stored.engine, stored.name)
        for job in queries.jobs(stored.engine, row):
            records = queries.epochs(stored.engine, row, job.trial)
            yield {
                "seed": seed,
                "images": row.ladder[job.rung]["images"],
                "trial": job.trial,
                "score": _short(job.score),
                "status": job.state.lower(),
                "epochs": [_short(each.val_miou) for each in records if each.rung == job.rung],
                "seconds": round(job.seconds or 0, 2),
            }


if __name__ == "__main__":
    main()
