"""The block that the heads are made of: convolution, batch normalisation, ReLU."""

import torch.nn.functional as F
from torch import Tensor, nn

from searchctl.trainer.models.base import drop_channels


def conv_bn_relu(before: int, after: int, kernel: int, *, dilation: int = 1) -> nn.Sequential:
    """Return a block [B, before, H, W] -> [B, after, H, W] that keeps the size (odd `kernel`)."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        # without a bias, which the normalisation would cancel
        nn.Conv2d(before, after, kernel, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


class FCNHead(nn.Module):
    """Decoder for an auxiliary loss: a list of features -> [B, width, h, w] of the last but one.

    Zhao et al., 'Pyramid Scene Parsing Network' (2017), section 3.3: a second loss where ResNet's
    third stage ends makes the deep network easier to optimise. It has no part in the prediction.

    Args:
        channels: channels of each of the features.
        width: channels of the result.
        dropout: probability with which a channel of the result is dropped.
    """

    def __init__(self, channels: tuple[int, ...], width: int, dropout: float) -> None:
        super().__init__()
        self.block = conv_bn_relu(channels[-2], width, 3)
        self.dropout = drop_channels(dropout)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return what the auxiliary classifier takes."""
        x: Tensor = self.dropout(self.block(features[-2]))
        return x


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
