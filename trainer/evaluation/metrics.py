"""Scores from confusion matrices: per image as evidence, pooled over a split as the score."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.core.results import Evaluation
from searchctl.trainer.settings.training import Score

HIGHER_IS_BETTER: dict[Score, bool] = {
    "val_miou": True,
    "val_loss": False,
    "val_accuracy": True,
}

Confusion = npt.NDArray[np.int64]
"""[classes, classes] pixels: rows are the true class, columns the predicted one."""


def confusion_per_image(
    predictions: Tensor, labels: Tensor, classes: int, ignore_index: int
) -> Tensor:
    """Count the valid pixels by true and predicted class, in one pass over the batch.

    Args:
        predictions: [B, H, W] class ids.
        labels: [B, H, W] class ids, or `ignore_index`.
        classes: number of classes C.
        ignore_index: label value that is left out.

    Returns:
        int64 [B, C, C]: image, true class, predicted class.
    """
    labels = labels.long()
    image = torch.arange(len(labels), device=labels.device).view(-1, 1, 1)
    cell = (image * classes + labels) * classes + predictions
    counts = torch.bincount(cell[labels != ignore_index], minlength=len(labels) * classes * classes)
    return counts.view(-1, classes, classes)


def outcomes_per_image(confusions: Tensor) -> Tensor:
    """Return true positives, false positives and false negatives: [B, C, C] -> [B, C, 3]."""
    hits = confusions.diagonal(dim1=1, dim2=2)
    return torch.stack([hits, confusions.sum(dim=1) - hits, confusions.sum(dim=2) - hits], dim=2)


def pooled_evaluation(confusion: Confusion, loss_sum: float) -> Evaluation:
    """Score a whole split by its one confusion matrix.

    Args:
        confusion: of all valid pixels of the split.
        loss_sum: their summed cross entropy.

    Raises:
        DataError: the split has no valid pixel.
    """
    hits, truth, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    pixels = int(truth.sum())
    if pixels == 0:
        raise DataError("no pixel of the split has a label: is ignore_index right?")
    present = truth > 0
    accuracy = hits[present] / truth[present]
    iou = hits[present] / (truth + predicted - hits)[present]
    return Evaluation(
        loss=loss_sum / pixels,
        miou=float(iou.mean()),
        mean_accuracy=float(accuracy.mean()),
        overall_accuracy=float(hits.sum() / pixels),
        class_iou=_by_class(iou, present),
        class_accuracy=_by_class(accuracy, present),
    )


def is_better(candidate: float, best: float, score: Score) -> bool:
    """Is a score strictly better than the best one so far?"""
    return candidate > best if HIGHER_IS_BETTER[score] else candidate < best


def _by_class(
    values: npt.NDArray[np.float64], present: npt.NDArray[np.bool_]
) -> tuple[float | None, ...]:
    remaining = iter(values.tolist())
    return tuple(next(remaining) if there else None for there in present)
