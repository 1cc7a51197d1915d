"""Cross entropy of the hardest pixels: online hard example mining."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from searchctl.trainer.losses.base import Loss
from searchctl.trainer.losses.catalog import OhemOptions


class OhemCrossEntropy(Loss):
    """Mean cross entropy of the pixels whose true class has a probability below a threshold.

    If fewer pixels are below it than a share of the valid ones, that share is taken: those with the
    highest cross entropy. (Where the share is no whole number of pixels, the last one counts in
    part, so that the loss of a batch does not change if all of its images occur twice.)

    Shrivastava et al., 'Training Region-based Object Detectors with Online Hard Example Mining'
    (2016), for pixels in place of regions, with the threshold that is usual in segmentation.
    """

    def __init__(self, options: OhemOptions, *, ignore_index: int, pixel_counts: Tensor) -> None:
        super().__init__(options, ignore_index=ignore_index, pixel_counts=pixel_counts)
        self.easiest = -math.log(options.ohem_threshold)
        self.min_kept = options.ohem_min_kept

    def compute(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of fp32 logits and int64 labels."""
        pixels = F.cross_entropy(logits, labels, ignore_index=self.ignore_index, reduction="none")
        losses, labels = self.gather(pixels).flatten(), self.gather(labels).flatten()
        valid = labels != self.ignore_index
        ranked = losses.masked_fill(~valid, 0.0).sort(descending=True, stable=True).values
        hard = (ranked.detach() > self.easiest).sum()
        kept = torch.maximum(hard.double(), self.min_kept * valid.sum())
        ranks = torch.arange(len(ranked), device=ranked.device)
        weights = (kept - ranks).clamp(0, 1).float()
        return (ranked * weights).sum() / weights.sum().clamp(min=torch.finfo(torch.float32).tiny)
