"""The base of the training losses."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn


class Loss(nn.Module, ABC):
    """Base of the training losses: logits [B, C, H, W] and labels [B, H, W] -> a scalar >= 0.

    Every loss is computed in fp32 whatever the logits are, leaves ignored pixels out of both the
    sum and the count, and is 0 with a zero gradient for a batch without a valid pixel.

    Where each of several processes has a part of the batch, every process computes the loss of the
    whole batch: sums over pixels or images go through `self.total`. (Without that, the loss is the
    mean of its values on the parts.)

    Args:
        options: the loss's own, as the catalog declares them.
        ignore_index: label value that is left out.
        pixel_counts: [images, classes] valid pixels of each class in each image of the sample.
    """

    def __init__(self, options: object, *, ignore_index: int, pixel_counts: Tensor) -> None:
        super().__init__()
        self.ignore_index = ignore_index
        self.total: Callable[[Tensor], Tensor] = _itself
        """Adds a sum up over all processes; returns it unchanged where one has the whole batch."""
        self.gather: Callable[[Tensor], Tensor] = _itself
        """Returns the parts of a batch that all processes have, one after the other."""

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch; labels may be uint8."""
        return self.compute(logits.float(), labels.long())

    @abstractmethod
    def compute(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of fp32 logits and int64 labels."""

    def mean_over_valid(self, pixel_losses: Tensor, labels: Tensor) -> Tensor:
        """Return the mean of [B, H, W] losses that are 0 at ignored pixels; 0 if none is valid."""
        valid = self.total((labels != self.ignore_index).sum())
        return self.total(pixel_losses.sum()) / valid.clamp(min=1)


def _itself(own: Tensor) -> Tensor:
    return own


def count_pixels(labels: Tensor, classes: int) -> Tensor:
    """Count the pixels of each class in each of the labels [N, H, W] -> int64 [N, classes]."""
    return torch.stack([torch.bincount(label.flatten(), minlength=256) for label in labels])[
        :, :classes
    ]
