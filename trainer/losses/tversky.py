"""Tversky loss: soft overlap in which false positives and false negatives weigh differently."""

from torch import Tensor

from searchctl.trainer.losses.catalog import TverskyOptions
from searchctl.trainer.losses.overlap import EPSILON, Overlap


class Tversky(Overlap):
    """1 - |P and T| / (|P and T| + alpha |P without T| + (1 - alpha) |T without P|).

    Salehi et al., 'Tversky Loss Function for Image Segmentation Using 3D Fully Convolutional Deep
    Networks' (2017), equation 4, with beta = 1 - alpha. alpha 0.5 is Dice; less of it costs missed
    pixels more than false alarms.
    """

    def __init__(self, options: TverskyOptions, *, ignore_index: int, pixel_counts: Tensor) -> None:
        super().__init__(options, ignore_index=ignore_index, pixel_counts=pixel_counts)
        self.alpha = options.tversky_alpha

    def overlap(self, both: Tensor, predicted: Tensor, target: Tensor) -> Tensor:
        """Return the Tversky index from the [C] sums of p * t, p and t."""
        false = self.alpha * (predicted - both) + (1 - self.alpha) * (target - both)
        return both / (both + false).clamp(min=EPSILON)
