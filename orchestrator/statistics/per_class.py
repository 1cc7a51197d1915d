"""IoU of two networks for each class, on the same validation images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchctl.orchestrator.statistics.paired_bootstrap import truth
from searchctl.trainer.core.results import ImageCounts

RARE = 0.25
"""A class is rare if its share of the labelled pixels is below this part of an equal share."""


@dataclass(frozen=True)
class ClassPair:
    """The IoU of one class by two networks, pooled over all images."""

    class_id: int
    share: float
    """Of the labelled pixels."""
    rare: bool
    iou: float
    other_iou: float


def compare_classes(mine: ImageCounts, other: ImageCounts) -> list[ClassPair]:
    """Return every class that occurs in the labels, in the order of the ids."""
    pixels = truth(mine).sum(axis=0)
    present = np.flatnonzero(pixels)
    shares = pixels / pixels.sum()
    rare = shares < RARE / len(present)
    first, second = class_iou(mine), class_iou(other)
    return [
        ClassPair(int(c), float(shares[c]), bool(rare[c]), float(first[c]), float(second[c]))
        for c in present
    ]


def class_iou(counts: ImageCounts) -> npt.NDArray[np.float64]:
    """Return the IoU of each class; NaN if it occurs in neither labels nor predictions."""
    sums = counts.counts.sum(axis=0, dtype=float)
    union = sums.sum(axis=1)
    iou: npt.NDArray[np.float64] = np.divide(
        sums[:, 0], union, out=np.full(len(sums), np.nan), where=union > 0
    )
    return iou
