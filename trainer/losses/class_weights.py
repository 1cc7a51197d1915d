"""Class weights from how often each class occurs in the sample of images in use.

All kinds are divided by their mean over the classes that occur, so that a weight of 1 means "as
much as the average class" in each of them. (The loss is not changed by that: it is divided by the
weights that it used.) A class that no image holds has weight 0.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

BETA = 0.999
"""Beta of the effective number of images, as Cui et al. use it for their large data sets, ImageNet
and iNaturalist. The effective number of 1000 images is then 632, and it never exceeds 1000. Data
sets of segmentation have about that size, so it separates their rare classes from the others."""


def class_weights(kind: str, pixel_counts: Tensor) -> Tensor:
    """Return the weight of each class: fp32 [classes], mean 1 over those that occur.

    Args:
        kind: a key of KINDS.
        pixel_counts: [images, classes] valid pixels.
    """
    weights = KINDS[kind](pixel_counts)
    present = weights > 0
    return (weights / weights.sum().clamp(min=torch.finfo().tiny) * present.sum()).float()


def inverse_frequency(pixel_counts: Tensor) -> Tensor:
    """Return 1 / (share of all pixels) of each class; 0 for a class that no image holds.

    Every class then has the same weight in the loss of the whole sample, as in King and Zeng,
    'Logistic Regression in Rare Events Data' (2001); scikit-learn calls it 'balanced'.
    """
    pixels = pixel_counts.sum(dim=0)
    return _of_present(pixels.sum() / pixels, pixels > 0)


def median_frequency(pixel_counts: Tensor) -> Tensor:
    """Return each class's median(frequencies) / frequency; 0 for a class that no image holds.

    The frequency of a class is its pixels divided by all valid pixels of the images that hold it:
    Eigen and Fergus, 'Predicting Depth, Surface Normals and Semantic Labels with a Common
    Multi-Scale Convolutional Architecture' (2015), section 4.3.2.
    """
    holds = pixel_counts > 0
    pixels_where_held = (pixel_counts.sum(dim=1, keepdim=True) * holds).sum(dim=0)
    frequencies = pixel_counts.sum(dim=0) / pixels_where_held.clamp(min=1)
    present = frequencies > 0
    if not present.any():
        return torch.zeros(len(frequencies))
    # quantile, not Tensor.median: the latter takes the lower of the two middle values.
    median = frequencies[present].quantile(0.5)
    return _of_present(median / frequencies, present)


def effective_number(pixel_counts: Tensor) -> Tensor:
    """Return (1 - BETA) / (1 - BETA**n) of the n images that hold a class; 0 where n is 0.

    1 / weight is the effective number of samples: Cui et al., 'Class-Balanced Loss Based on
    Effective Number of Samples' (2019), equations 2 and 6. The samples are images, not pixels:
    neighbouring pixels are nearly equal, so they are few effective samples; and BETA**n is 0 for
    millions of pixels, so that all weights would be equal.
    """
    images = (pixel_counts > 0).sum(dim=0).double()
    return _of_present((1 - BETA) / -torch.expm1(images * math.log(BETA)), images > 0)


def _of_present(weights: Tensor, present: Tensor) -> Tensor:
    return weights.where(present, 0.0)  # what was divided by zero is left out


KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "inverse_frequency": inverse_frequency,
    "median_frequency": median_frequency,
    "effective_number": effective_number,
}
"""`class_weights` in a sweep.yaml -> [images, classes] valid pixels -> [classes] weights."""
