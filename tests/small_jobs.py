"""What is asked of a small job on drawn scenes, and what of its result must repeat."""

from dataclasses import replace

from searchctl.trainer import TrainSettings

SETTINGS = TrainSettings(width=8, epochs=3, batch_size=4, lr=3e-3, threads=1)


def numbers(result):
    """Return what must repeat: everything but the clock and the file's name."""
    epochs = tuple(replace(epoch, seconds=0.0) for epoch in result.epochs)
    counts = [result.image_counts.counts.tobytes(), result.image_counts.loss_sums.tobytes()]
    return result.score, result.kept_epoch, epochs, result.evaluations, counts
