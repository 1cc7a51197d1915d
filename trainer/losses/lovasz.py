"""Lovász-Softmax loss: a convex surrogate of 1 - IoU."""

import torch
from torch import Tensor

from searchctl.trainer.losses.base import Loss


class Lovasz(Loss):
    """Mean over the classes of a batch's valid pixels of the Lovász extension of 1 - Jaccard.

    Berman et al., 'The Lovász-Softmax Loss: A Tractable Surrogate for the Optimization of the
    Intersection-over-Union Measure in Neural Networks' (2018), equations 8, 9 and 11, over the
    whole batch, as in their experiments on segmentation. A class without a valid pixel is left out.
    """

    def compute(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of fp32 logits and int64 labels."""
        probabilities = self.gather(logits.softmax(dim=1))
        labels = self.gather(labels)
        valid = labels != self.ignore_index
        surrogates, present = [], []
        for number in range(logits.shape[1]):
            is_class = labels == number  # the ignore index equals no class
            errors = (is_class.float() - probabilities[:, number]).abs()
            surrogates.append(_extension(errors, is_class, valid))
            present.append(is_class.any())
        counted = torch.stack(present).float()
        return (torch.stack(surrogates) * counted).sum() / counted.sum().clamp(min=1)


def _extension(errors: Tensor, is_class: Tensor, valid: Tensor) -> Tensor:
    """Return the Lovász extension of one class's Jaccard loss at the [B, H, W] errors.

    It is the sum of the errors, the largest first, each times the rise of the Jaccard loss when
    that pixel is added to the mispredicted ones. Ignored pixels come last, with a weight of 0.
    """
    order = (
        errors.detach().masked_fill(~valid, -1.0).flatten().argsort(descending=True, stable=True)
    )
    hits = is_class.flatten()[order]
    missed = hits.cumsum(0)  # whole numbers, as floats would stop counting at 2**24
    pixels = missed[-1]
    union = pixels + (~hits).cumsum(0)
    jaccard_loss = 1 - (pixels - missed) / union.clamp(min=1)
    rises = jaccard_loss.diff(prepend=jaccard_loss.new_zeros(1))
    return (errors.flatten()[order] * rises * valid.flatten()[order]).sum()
