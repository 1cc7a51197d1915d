"""Measures the cost of a checkpoint after every epoch, and the time to write one.

    python benchmarks/checkpoint.py

Trains on synthetic scenes, on one thread. Epochs with and without a checkpoint alternate, so that
other load on the machine affects both alike. Then the same checkpoint is written repeatedly. It has
the network, the optimizer's two moments and the best weights, which is the largest case: a good
epoch followed by a worse one. It is synced to the disk, and read back. Prints the median ratio per
network (1 means that checkpoints cost nothing) and writes results/checkpoint.json.
"""

import statistics
import tempfile
import time
from pathlib import Path

import torch
from machine import keep
from upath import UPath

from searchctl.trainer.core.results import EpochRecord
from searchctl.trainer.data.settings import Sample, ScenesData
from searchctl.trainer.evaluation.evaluate import evaluate
from searchctl.trainer.models.finetune import training_mode
from searchctl.trainer.run.checkpoints.file import (
    FILE,
    Checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.run.loop import train_epoch
from searchctl.trainer.run.preparation import prepare
from searchctl.trainer.run.progress import Kept
from searchctl.trainer.settings.training import TrainSettings

IMAGES, HEIGHT, WIDTH, BATCH, REPEATS, WRITES = 32, 90, 120, 16, 15, 30
NETWORKS = {
    "simple_fcn, width 64": TrainSettings(model="simple_fcn", width=64, batch_size=BATCH),
    "unet, width 16": TrainSettings(model="unet", width=16, batch_size=BATCH),
}
DATA = ScenesData(dataset="scenes", image_size=(HEIGHT, WIDTH), train=IMAGES, val=4)


def begin(settings):
    """Return a job whose best epoch is an earlier one."""
    sample = Sample(DATA, IMAGES, seed=0)
    cpu = torch.device("cpu")
    job = prepare(TrialJob(settings=settings, sample=sample, out=UPath(".")), cpu)
    model, progress = job.training.model, job.training.progress
    scored = evaluate(model, job.validation, job.precision, batch_size=4, stop=lambda: False)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    progress.kept = Kept(1, scored[0].miou, scored, weights)
    progress.records = [EpochRecord(epoch, 1.0, 0.1, IMAGES, 1.0, 1.0, 0.5) for epoch in (1, 2)]
    return job


def train(job, number):
    """Train one epoch."""
    training_mode(job.training.model, job.settings.finetune)
    train_epoch(
        job.training,
        job.batches,
        number,
        job.loss,
        job.settings,
        job.precision,
        lambda: False,
    )


def save(job, folder):
    """Write one checkpoint as `run_job` does."""
    state = job.training.state_dict()
    write_checkpoint(folder, Checkpoint(job.identity, job.training.progress.epoch, 0.0, state))


def seconds(do, *arguments):
    """Time a call."""
    started = time.perf_counter()
    do(*arguments)
    return time.perf_counter() - started


def epoch_ratios(job, folder):
    """Alternate epochs with and without a checkpoint; the order changes each time."""

    def with_checkpoint(number):
        train(job, number)
        save(job, folder)

    kinds = {"with": with_checkpoint, "without": lambda number: train(job, number)}
    times = {kind: [] for kind in kinds}
    for repeat in range(REPEATS + 1):
        for kind in sorted(kinds, reverse=repeat % 2 == 0):
            taken = seconds(kinds[kind], repeat + 1)
            if repeat > 0:  # the first epoch of each warms up
                times[kind].append(taken)
    ratios = [one / other for one, other in zip(times["with"], times["without"], strict=True)]
    return times, sorted(ratios)


def compare(settings, folder):
    """Measure one network."""
    job = begin(settings)
    times, ratios = epoch_ratios(job, folder)
    writes = [seconds(save, job, folder) for _ in range(WRITES)]
    reads = [seconds(read_checkpoint, folder, job.identity) for _ in range(WRITES)]
    megabytes = (folder / FILE).stat().st_size / 1e6
    epoch, write = statistics.median(times["without"]), statistics.median(writes)
    return {
        "median_ratio_of_epochs": round(statistics.median(ratios), 4),
        "ratios_of_epochs": [round(ratio, 3) for ratio in ratios],
        "write_to_epoch": round(write / epoch, 4),
        "epoch_seconds": {kind: round(statistics.median(t), 4) for kind, t in times.items()},
        "megabytes": round(megabytes, 2),
        "write_milliseconds": {
            "median": round(write * 1e3, 1),
            "slowest": round(max(writes) * 1e3, 1),
        },
        "read_milliseconds": round(statistics.median(reads) * 1e3, 1),
        "megabytes_per_second_written": round(megabytes / write, 1),
    }


def main():
    """Measure every network, print the result and store it."""
    torch.set_num_threads(1)  # several threads would wait for each other when the machine is busy
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # /tmp may be in memory
        networks = {
            name: compare(settings, UPath(folder) / name) for name, settings in NETWORKS.items()
        }
    keep(
        "checkpoint",
        {
            "what": "a training epoch with a checkpoint to one without, one thread; fsync included",
            "setup": {"images": IMAGES, "size": [HEIGHT, WIDTH], "batch": BATCH},
            "repeats": REPEATS,
            "writes": WRITES,
            "networks": networks,
        },
    )


if __name__ == "__main__":
    main()
