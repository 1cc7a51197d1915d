"""Settings of a small job on synthetic scenes, and the part of its result that must repeat."""

from dataclasses import replace

from searchctl.trainer import TrainSettings, TrialJob, run_job
from tests.jobs.checkpoints import when_written

SETTINGS = TrainSettings(width=8, epochs=3, batch_size=4, lr=3e-3, threads=1)


def run_small(settings, sample, *, on_epoch=None, stop=None, waits=True, **fields):
    """Run a job on the CPU, unless its fields say otherwise.

    With `waits`, each epoch is reported once its checkpoint is on the disk.
    """
    usual = {"device": "cpu", "checkpoint_every_s": 0 if waits else None}
    job = TrialJob(settings=settings, sample=sample, **{**usual, **fields})
    reported = when_written(job.out, on_epoch) if waits else on_epoch
    return run_job(job, on_epoch=reported, stop=stop)


def numbers(result):
    """Return what must repeat: everything but the clock and the file's name."""
    epochs = tuple(replace(epoch, seconds=0.0) for epoch in result.epochs)
    counts = [result.image_counts.counts.tobytes(), result.image_counts.loss_sums.tobytes()]
    return result.score, result.kept_epoch, epochs, result.evaluations, counts
