"""Metrics from confusion matrices: of each image, and pooled over a split."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.core.results import Evaluation

Confusion = npt.NDArray[np.int64]
"""[classes, classes] number of pixels; rows are the true class, columns the predicted class."""


def confusion_per_image(
    predictions: Tensor, labels: Tensor, classes: int, ignore_index: int
) -> Tensor:
    """Count the valid pixels of each image by true and predicted class, in one pass.

    Args:
        predictions: [B, H, W] class ids.
        labels: [B, H, W] class ids, or `ignore_index`.
        classes: number of classes C.
        ignore_index: label value of pixels that are not counted.

    Returns:
        int64 [B, C, C] with the axes image, true class, predicted class.
    """
    labels = labels.long()
    image = torch.arange(len(labels), device=labels.device).view(-1, 1, 1)
    # one count over (image, true class, predicted class) avoids a loop over images
    cell = (image * classes + labels) * classes + predictions
    cells = len(labels) * classes * classes
    # ignored pixels have a cell of their own: to select the others, or to count by bincount, the
    # CPU would wait for a GPU
    cell = torch.where(labels != ignore_index, cell, cells).flatten()
    counts = torch.zeros(cells + 1, dtype=torch.int64, device=labels.device)
    counts.scatter_add_(0, cell, counts.new_ones(()).expand_as(cell))
    return counts[:-1].view(-1, classes, classes)


def outcomes_per_image(confusions: Tensor) -> Tensor:
    """Return true positives, false positives and false negatives: [B, C, C] -> [B, C, 3]."""
    hits = confusions.diagonal(dim1=1, dim2=2)
    return torch.stack([hits, confusions.sum(dim=1) - hits, confusions.sum(dim=2) - hits], dim=2)


def pooled_evaluation(confusion: Confusion, loss_sum: float) -> Evaluation:
    """Compute the scores of a split from its confusion matrix.

    Args:
        confusion: confusion matrix of all valid pixels of the split.
        loss_sum: sum of their cross entropy.

    Raises:
        DataError: the split has no valid pixel.
    """
    hits, truth, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    pixels = int(truth.sum())
    if pixels == 0:
        raise DataError("no pixel of the split has a label: is ignore_index right?")
    # a class that the ground truth lacks has no IoU; the same classes count for every trial
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


def _by_class(
    values: npt.NDArray[np.float64], present: npt.NDArray[np.bool_]
) -> tuple[float | None, ...]:
    remaining = iter(values.tolist())
    return tuple(next(remaining) if there else None for there in present)
