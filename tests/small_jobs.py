"""Settings of a small job on synthetic scenes, and the part of its result that must repeat."""

from dataclasses import replace

from searchctl.trainer import TrainSettings, TrialJob, run_job

SETTINGS = TrainSettings(width=8, epochs=3, batch_size=4, lr=3e-3, threads=1)


def run_small(settings, sample, *, on_epoch=None, stop=None, **fields):
    """Run a job on the CPU, unless its fields say otherwise."""
    job = TrialJob(settings=settings, sample=sample, **{"device": "cpu", **fields})
    return run_job(job, on_epoch=on_epoch, stop=stop)


def numbers(result):
    """Return what must repeat: everything but the clock and the file's name."""
    epochs = tuple(replace(epoch, seconds=0.0) for epoch in result.epochs)
    counts = [result.image_counts.counts.tobytes(), result.image_counts.loss_sums.tobytes()]
    return result.score, result.kept_epoch, epochs, result.evaluations, counts
