"""The losses by name: where each one is, and its options. Imports without torch.

To add a loss: write its file in this folder, add its line to LOSSES, and above it its options.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from searchctl.trainer.settings.marks import Mark
from searchctl.trainer.settings.parts import Options, Part


class SmoothingOptions(Options):
    """Options of the cross entropies."""

    label_smoothing: Annotated[float, Field(ge=0, lt=1), Mark.SAME_SPEED, Mark.REGULARISER] = 0.0
    """Share of each label that is spread evenly over all classes."""


class ClassWeightOptions(SmoothingOptions):
    """Options of `weighted_cross_entropy`."""

    class_weights: Annotated[
        Literal["inverse_frequency", "median_frequency", "effective_number"], Mark.SAME_SPEED
    ] = "median_frequency"
    """Class weights, computed on the sample of images in use."""


def _finite_gradient(gamma: float) -> float:
    # d/dp (1-p)**gamma is infinite at p = 1 for 0 < gamma < 1
    if 0 < gamma < 1:
        raise ValueError("has no finite gradient between 0 and 1: use 0, or 1 and above")
    return gamma


class FocalOptions(Options):
    """Options of `focal`."""

    focal_gamma: Annotated[
        float, Field(ge=0), AfterValidator(_finite_gradient), Mark.SAME_SPEED
    ] = 2.0
    """Focusing exponent: 0 (plain cross entropy) or at least 1."""
    focal_alpha: Annotated[float, Field(gt=0, le=1), Mark.SAME_SPEED] = 1.0
    """Factor of the loss, the same for all classes, as a larger or smaller lr has with sgd."""


class TverskyOptions(Options):
    """Options of `tversky`."""

    tversky_alpha: Annotated[float, Field(gt=0, lt=1), Mark.SAME_SPEED] = 0.3
    """Weight of false positives; that of false negatives is 1 minus it. 0.5 is the Dice loss."""


class OhemOptions(Options):
    """Options of `ohem`."""

    ohem_threshold: Annotated[float, Field(gt=0, le=1), Mark.SAME_SPEED] = 0.7
    """Probability of the true class below which a pixel is hard; only hard pixels are trained
    on."""
    ohem_min_kept: Annotated[float, Field(gt=0, le=1), Mark.SAME_SPEED] = 0.0625
    """Share of the valid pixels of a batch that is trained on at least."""


_HERE = "searchctl.trainer.losses"

LOSSES = {
    "cross_entropy": Part(f"{_HERE}.cross_entropy:CrossEntropy", SmoothingOptions),
    "weighted_cross_entropy": Part(
        f"{_HERE}.cross_entropy:WeightedCrossEntropy", ClassWeightOptions
    ),
    "dice": Part(f"{_HERE}.overlap:Dice"),
    "jaccard": Part(f"{_HERE}.overlap:Jaccard"),
    "focal": Part(f"{_HERE}.focal:Focal", FocalOptions),
    "tversky": Part(f"{_HERE}.tversky:Tversky", TverskyOptions),
    "lovasz": Part(f"{_HERE}.lovasz:Lovasz"),
    "ohem": Part(f"{_HERE}.ohem:OhemCrossEntropy", OhemOptions),
}
"""Name in a sweep.yaml -> the loss."""
