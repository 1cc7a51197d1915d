"""Scores from the counts of the validation images, without the images. Imports no torch."""

from statistics import fmean

import numpy as np

from searchctl.trainer.core.results import Evaluation, ImageCounts


def evaluation_by_images(images: ImageCounts | None) -> Evaluation | None:
    """Compute the scores from the counts of the validation images; None without any pixel."""
    if images is None or not images.pixels.any():
        return None
    classes = images.counts.sum(axis=0, dtype=np.int64).tolist()
    truth = sum(hits + misses for hits, _, misses in classes)
    if not truth:
        return None
    iou = tuple(h / (h + alarms + m) if h + m else None for h, alarms, m in classes)
    accuracy = tuple(h / (h + m) if h + m else None for h, _, m in classes)
    return Evaluation(
        loss=float(images.loss_sums.sum() / images.pixels.sum()),
        miou=fmean(value for value in iou if value is not None),
        mean_accuracy=fmean(value for value in accuracy if value is not None),
        overall_accuracy=sum(hits for hits, *_ in classes) / truth,
        class_iou=iou,
        class_accuracy=accuracy,
    )
