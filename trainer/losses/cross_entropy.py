"""Cross entropy per valid pixel, plain and with class weights.

Both take `label_smoothing`, torch's: of each label, that share is spread evenly over all classes
(Szegedy et al., 'Rethinking the Inception Architecture for Computer Vision', 2016, section 7).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from searchctl.trainer.losses.base import Loss
from searchctl.trainer.losses.catalog import ClassWeightOptions, SmoothingOptions
from searchctl.trainer.losses.class_weights import class_weights


class CrossEntropy(Loss):
    """Mean of -log p(true class) over the valid pixels."""

    def __init__(
        self, options: SmoothingOptions, *, ignore_index: int, pixel_counts: Tensor
    ) -> None:
        super().__init__(options, ignore_index=ignore_index, pixel_counts=pixel_counts)
        self.label_smoothing = options.label_smoothing

    def compute(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of fp32 logits and int64 labels."""
        pixels = F.cross_entropy(
            logits,
            labels,
            ignore_index=self.ignore_index,
            reduction="none",
            label_smoothing=self.label_smoothing,
        )
        return self.mean_over_valid(pixels, labels)


class WeightedCrossEntropy(Loss):
    """Cross entropy with class weights, divided by the sum of the weights of the valid pixels.

    The weights come from the sample of images in use, see `class_weights`.
    """

    weights: Tensor

    def __init__(
        self, options: ClassWeightOptions, *, ignore_index: int, pixel_counts: Tensor
    ) -> None:
        super().__init__(options, ignore_index=ignore_index, pixel_counts=pixel_counts)
        self.label_smoothing = options.label_smoothing
        weights = class_weights(options.class_weights, pixel_counts)
        self.register_buffer("weights", weights)

    def compute(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of fp32 logits and int64 labels."""
        total = F.cross_entropy(
            logits,
            labels,
            self.weights,
            ignore_index=self.ignore_index,
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )
        valid = labels != self.ignore_index
        used = self.weights[labels.where(valid, 0)] * valid
        return self.total(total) / self.total(used.sum()).clamp(min=torch.finfo(torch.float32).tiny)
