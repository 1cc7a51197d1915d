"""Focal loss over the softmax of all classes."""

import torch
import torch.nn.functional as F
from torch import Tensor

from searchctl.trainer.losses.base import Loss
from searchctl.trainer.losses.catalog import FocalOptions


class Focal(Loss):
    """Mean of -alpha (1 - p)**gamma log p over the valid pixels, p the true class's softmax.

    Lin et al., 'Focal Loss for Dense Object Detection' (2017), equation 5, in its multi-class form:
    one alpha for all classes, which only rescales the loss. gamma 0 and alpha 1 are cross entropy.
    """

    def __init__(self, options: FocalOptions, *, ignore_index: int, pixel_counts: Tensor) -> None:
        super().__init__(options, ignore_index=ignore_index, pixel_counts=pixel_counts)
        self.gamma = options.focal_gamma
        self.alpha = options.focal_alpha

    def compute(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of fp32 logits and int64 labels."""
        log_loss = F.cross_entropy(logits, labels, ignore_index=self.ignore_index, reduction="none")
        missed = -torch.expm1(-log_loss)  # 1 - p, exact also where p is nearly 1
        return self.alpha * self.mean_over_valid(missed**self.gamma * log_loss, labels)
