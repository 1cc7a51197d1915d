"""The formulas of the scores, on sums of counts: of a whole split, or of each of several draws.

A class that neither the labels nor the predictions of a draw hold counts 0: the mean is over the
same classes in every draw.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[Any]
"""Whole numbers, or floats of whole numbers."""


@dataclass(frozen=True)
class Sums:
    """Sums over images. The last axis of the counts is the class; the others are draws, if any."""

    hits: Numbers
    """[..., classes] true positives, of the classes that count: those that the labels of the whole
    split hold, or those chosen among them."""
    false_alarms: Numbers
    """[..., classes] false positives."""
    misses: Numbers
    """[..., classes] false negatives."""
    loss: Numbers
    """[...] summed cross entropy."""
    pixels: Numbers
    """[...] valid pixels."""

    @property
    def truth(self) -> Numbers:
        """[..., classes] pixels of each class in the labels."""
        return self.hits + self.misses

    @property
    def iou(self) -> Floats:
        """[..., classes] intersection over union."""
        return _ratio(self.hits, self.hits + self.false_alarms + self.misses)


def mean_iou(sums: Sums) -> Floats:
    """Mean IoU of the classes."""
    return _mean(sums.iou)


def mean_dice(sums: Sums) -> Floats:
    """Mean Dice coefficient (F1) of the classes (Dice, Ecology 26:3, 1945)."""
    double = 2 * sums.hits
    return _mean(_ratio(double, double + sums.false_alarms + sums.misses))


def mean_recall(sums: Sums) -> Floats:
    """Mean accuracy (recall) of the classes."""
    return _mean(_ratio(sums.hits, sums.truth))


def worst_iou(sums: Sums) -> Floats:
    """Lowest IoU of the classes."""
    worst: Floats = sums.iou.min(axis=-1)
    return worst


def frequency_weighted_iou(sums: Sums) -> Floats:
    """Mean IoU, each class weighted by its pixels in the labels (Long et al., CVPR 2015)."""
    return _ratio((sums.iou * sums.truth).sum(axis=-1), sums.pixels)


def accuracy(sums: Sums) -> Floats:
    """Share of the valid pixels that are right."""
    return _ratio(sums.hits.sum(axis=-1), sums.pixels)


def loss(sums: Sums) -> Floats:
    """Cross entropy per valid pixel."""
    return _ratio(sums.loss, sums.pixels)


def _ratio(above: Numbers, below: Numbers) -> Floats:
    zeros = np.zeros(np.shape(above))
    ratio: Floats = np.divide(above, below, out=zeros, where=np.asarray(below) > 0)
    return ratio


def _mean(values: Floats) -> Floats:
    mean: Floats = values.mean(axis=-1)
    return mean
