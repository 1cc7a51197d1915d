"""A weighted sum of losses."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from searchctl.trainer.losses.base import Loss
from searchctl.trainer.settings.sums import Term


class WeightedSum(Loss):
    """The sum of other losses, each times its weight."""

    def __init__(self, options: Sequence[Term], *, ignore_index: int, pixel_counts: Tensor) -> None:
        super().__init__(options, ignore_index=ignore_index, pixel_counts=pixel_counts)
        self.weights = [term.weight for term in options]
        self.parts: list[Loss] = [
            term.part.load()(term.options, ignore_index=ignore_index, pixel_counts=pixel_counts)
            for term in options
        ]
        self._registered = nn.ModuleList(self.parts)  # so that their buffers go to the device

    def compute(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of fp32 logits and int64 labels."""
        values = []
        for weight, part in zip(self.weights, self.parts, strict=True):
            part.total, part.gather = self.total, self.gather
            values.append(weight * part(logits, labels))
        return torch.stack(values).sum()
