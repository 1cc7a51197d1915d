"""A loss of one's own: searchctl knows it as my_losses:Tversky."""

import torch.nn.functional as F
from torch import Tensor, nn


class Tversky(nn.Module):
    """1 - the mean Tversky index over the classes of the batch.

    searchctl gives `ignore_index` by its name; `alpha` is an option, given as `loss_args`.

    Args:
        alpha: weight of false positives; that of false negatives is 1 minus it.
        ignore_index: label of the pixels without a class.
    """

    def __init__(self, alpha: float = 0.3, ignore_index: int = 255) -> None:
        super().__init__()
        self.alpha = alpha
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of logits [B, C, H, W] and labels [B, H, W]."""
        valid = (labels != self.ignore_index).unsqueeze(1)
        known = labels.masked_fill(~valid.squeeze(1), 0)
        truth = F.one_hot(known, logits.shape[1]).movedim(-1, 1) * valid
        predicted = logits.softmax(dim=1) * valid
        both, p, t = (x.sum(dim=(0, 2, 3)) for x in (predicted * truth, predicted, truth))
        index = both / (both + self.alpha * (p - both) + (1 - self.alpha) * (t - both) + 1e-7)
        return ((1 - index) * (t > 0)).sum() / (t > 0).sum().clamp(min=1)
