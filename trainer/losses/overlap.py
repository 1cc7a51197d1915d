"""Soft overlap of probabilities and labels: Dice and Jaccard."""

from abc import abstractmethod

import torch
from torch import Tensor

from searchctl.trainer.losses.base import Loss

EPSILON = 1e-6


class Overlap(Loss):
    """1 - overlap of each class over the whole batch, mean over the classes of its valid pixels.

    Sums go over batch, height and width: a class counts by its pixels in the whole batch, not in
    each image. A class without a valid pixel in the batch is left out of the mean. Otherwise the
    loss would depend on how many classes a batch happens to contain.
    """

    def compute(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of fp32 logits and int64 labels."""
        valid = labels != self.ignore_index
        classes = torch.arange(logits.shape[1], device=labels.device).view(-1, 1, 1)
        target = labels.unsqueeze(1) == classes  # the ignore index equals no class
        predicted = logits.softmax(dim=1) * valid.unsqueeze(1)
        both, predicted, pixels = (
            self.total(each.sum(dim=(0, 2, 3))) for each in (predicted * target, predicted, target)
        )
        overlap = self.overlap(both, predicted, pixels)
        present = pixels > 0
        return ((1 - overlap) * present).sum() / present.sum().clamp(min=1)

    @abstractmethod
    def overlap(self, both: Tensor, predicted: Tensor, target: Tensor) -> Tensor:
        """Return the overlap in [0, 1] from the [C] sums of p * t, p and t."""


class Dice(Overlap):
    """Soft Dice loss: 1 - 2 |P and T| / (|P| + |T|) (Milletari et al., 'V-Net', 2016)."""

    def overlap(self, both: Tensor, predicted: Tensor, target: Tensor) -> Tensor:
        """Return 2 |P and T| / (|P| + |T|)."""
        return 2 * both / (predicted + target).clamp(min=EPSILON)


class Jaccard(Overlap):
    """Soft Jaccard loss: 1 - |P and T| / |P or T| (Rahman and Wang, 2016)."""

    def overlap(self, both: Tensor, predicted: Tensor, target: Tensor) -> Tensor:
        """Return |P and T| / |P or T|."""
        return both / (predicted + target - both).clamp(min=EPSILON)
