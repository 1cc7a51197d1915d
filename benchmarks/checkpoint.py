"""Measures what checkpoints cost a training, as shares of its CPU time in one run.

    python benchmarks/checkpoint.py

Trains on synthetic scenes, on one thread. Three ways alternate, so that other load on the machine
affects all alike: without checkpoints; `before`, when every epoch's checkpoint was serialised,
hashed with SHA-256 and synced before the next epoch; and `now`, when a thread writes copies as
seldom as costs less than 2 %. The checkpoints hold the network, the optimizer's two moments and the
best weights, which is the largest case. Writes results/checkpoint.json.
"""

import hashlib
import io
import statistics
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import torch
from machine import keep
from upath import UPath

from searchctl.trainer.core.atomic_files import write_atomically
from searchctl.trainer.core.results import EpochRecord
from searchctl.trainer.data.settings import Sample, ScenesData
from searchctl.trainer.evaluation.evaluate import evaluate
from searchctl.trainer.models.finetune import training_mode
from searchctl.trainer.run.checkpoints import writer
from searchctl.trainer.run.checkpoints.file import FILE, Checkpoint, write_checkpoint
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.run.loop import train_epoch
from searchctl.trainer.run.preparation import prepare
from searchctl.trainer.run.progress import Kept
from searchctl.trainer.settings.training import TrainSettings

IMAGES, HEIGHT, WIDTH, BATCH, EPOCHS, REPEATS = 8, 90, 120, 8, 48, 2
WRITTEN = []
"""Checkpoints of each run of `now`."""
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


def checkpoint(job):
    """Return the training as it is now."""
    return Checkpoint(job.identity, job.training.progress.epoch, 0.0, job.training.state_dict())


@contextmanager
def without(job, folder):
    """Write nothing."""
    yield lambda: None


@contextmanager
def before(job, folder):
    """Write after every epoch, and wait."""

    def save():
        buffer = io.BytesIO()
        torch.save(vars(checkpoint(job)), buffer)
        buffer.write(hashlib.sha256(buffer.getbuffer()).digest())
        write_atomically(folder / FILE, buffer.getbuffer())

    yield save


@contextmanager
def now(job, folder):
    """Write as `run_job` does."""
    written = []
    writer.write_checkpoint = lambda *given: written.append(write_checkpoint(*given))
    with writer.CheckpointWriter(folder) as checkpoints:
        yield lambda: checkpoints.offer(lambda: checkpoint(job))
    WRITTEN.append(len(written))


def cpu_seconds(way, job, folder):
    """Return the CPU seconds of some epochs, all threads together."""
    started = time.process_time()
    with way(job, folder) as save:
        for number in range(1, EPOCHS + 1):
            train(job, number)
            save()
    return time.process_time() - started


def milliseconds(action):
    """Return the CPU time of an action: the least of three runs."""
    times = []
    for _ in range(3):
        started = time.process_time()
        action()
        times.append(time.process_time() - started)
    return round(min(times) * 1e3, 1)


def compare(settings, folder):
    """Measure one network."""
    job = begin(settings)
    train(job, 1)  # warms up, and makes the optimizer's state
    times = {way: [] for way in (without, before, now)}
    for _ in range(REPEATS):
        for way in times:
            times[way].append(cpu_seconds(way, job, folder / way.__name__))
    median = {way.__name__: statistics.median(taken) for way, taken in times.items()}
    with before(job, folder / "before") as save:
        one_before = milliseconds(save)
    return {
        "megabytes": round((folder / "before" / FILE).stat().st_size / 1e6, 1),
        "checkpoints": {"before": EPOCHS, "now": WRITTEN[-1]},
        "epoch_cpu_ms": round(median["without"] / EPOCHS * 1e3),
        "share_of_cpu_before": round(one_before / 1e3 * EPOCHS / median["before"], 4),
        "share_of_cpu_now": round(max(0.0, 1 - median["without"] / median["now"]), 4),
        "cpu_ms_that_training_waits": {
            "before": one_before,
            "now": milliseconds(lambda: writer.copied(checkpoint(job))),
        },
        "cpu_ms_in_the_thread": milliseconds(lambda: write_checkpoint(folder, checkpoint(job))),
        "cpu_seconds": {
            way.__name__: [round(each, 2) for each in taken] for way, taken in times.items()
        },
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
            "what": "checkpoints' share of a training's CPU time, before and now; one thread",
            "setup": {"images": IMAGES, "size": [HEIGHT, WIDTH], "batch": BATCH},
            "epochs": EPOCHS,
            "repeats": REPEATS,
            "networks": networks,
        },
    )


if __name__ == "__main__":
    main()
