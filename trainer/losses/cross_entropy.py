"""Cross entropy per valid pixel, plain and with class weights."""

import torch
import torch.nn.functional as F
from torch import Tensor

from trainer.losses.base import Loss
from trainer.settings import TrainSettings


class CrossEntropy(Loss):
    """Mean of -log p(true class) over the valid pixels."""

    def compute(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of fp32 logits and int64 labels."""
        pixels = F.cross_entropy(logits, labels, ignore_index=self.ignore_index, reduction="none")
        return self.mean_over_valid(pixels, labels)


class WeightedCrossEntropy(Loss):
    """Cross entropy with median-frequency class weights, divided by the sum of the weights used.

    The weights come from the sample of images in use, see `median_frequency_weights`.
    """

    weights: Tensor

    def __init__(self, settings: TrainSettings, *, ignore_index: int, pixel_counts: Tensor) -> None:
        super().__init__(settings, ignore_index=ignore_index, pixel_counts=pixel_counts)
        self.register_buffer("weights", median_frequency_weights(pixel_counts))

    def compute(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of fp32 logits and int64 labels."""
        total = F.cross_entropy(
            logits, labels, self.weights, ignore_index=self.ignore_index, reduction="sum"
        )
        valid = labels != self.ignore_index
        used = self.weights[labels.where(valid, 0)] * valid
        return total / used.sum().clamp(min=torch.finfo(torch.float32).tiny)


def median_frequency_weights(pixel_counts: Tensor) -> Tensor:
    """Return each class's median(frequencies) / frequency; 0 for a class that no image holds.

    The frequency of a class is its pixels divided by all valid pixels of the images that hold it:
    Eigen and Fergus, 'Predicting Depth, Surface Normals and Semantic Labels with a Common
    Multi-Scale Convolutional Architecture' (2015), section 4.3.2.

    Args:
        pixel_counts: [images, classes] valid pixels.
    """
    holds = pixel_counts > 0
    pixels_where_held = (pixel_counts.sum(dim=1, keepdim=True) * holds).sum(dim=0)
    frequencies = pixel_counts.sum(dim=0) / pixels_where_held.clamp(min=1)
    present = frequencies > 0
    if not present.any():
        return torch.zeros(len(frequencies))
    # quantile, not Tensor.median: the latter takes the lower of the two middle values.
    median = frequencies[present].quantile(0.5)
    return (median / frequencies).where(present, 0.0).float()
