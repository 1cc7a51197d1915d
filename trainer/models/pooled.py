"""A branch of a head that sees the whole image, in a few bins."""

import torch.nn.functional as F
from torch import Tensor, nn

from searchctl.trainer.models.conv_bn_relu import conv_bn_relu


class Pooled(nn.Module):
    """Average pooling to bins x bins, a 1x1 block, and back to the size it came with.

    [B, before, H, W] -> [B, after, H, W]. With one bin the batch normalisation sees one value of
    each channel per image: in training it needs at least two images.

    Args:
        before: channels of the features.
        after: channels of the result.
        bins: number of bins along each side.
        align_corners: where the corners are on the way back up: see
            `torch.nn.functional.interpolate`.
    """

    def __init__(self, before: int, after: int, *, bins: int, align_corners: bool) -> None:
        super().__init__()
        self.bins = bins
        self.align_corners = align_corners
        self.block = conv_bn_relu(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the resampled bins."""
        pooled = self.block(F.adaptive_avg_pool2d(x, self.bins))
        return F.interpolate(
            pooled, size=x.shape[-2:], mode="bilinear", align_corners=self.align_corners
        )
