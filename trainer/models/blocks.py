"""Building blocks of heads: convolution with batch norm and ReLU, pooling, FCN head."""

import torch.nn.functional as F
from torch import Tensor, nn

from searchctl.trainer.models.base import drop_channels


def conv_bn_relu(before: int, after: int, kernel: int, *, dilation: int = 1) -> nn.Sequential:
    """Return a block [B, before, H, W] -> [B, after, H, W] that keeps the size (odd `kernel`)."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        # no bias, since the normalisation would cancel it
        nn.Conv2d(before, after, kernel, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


class FCNHead(nn.Module):
    """Decoder of an auxiliary head: list of features -> [B, width, h, w], from the last but one.

    Zhao et al., 'Pyramid Scene Parsing Network' (2017), section 3.3: a second loss at the end of
    ResNet's third stage makes the deep network easier to optimise. It does not affect predictions.

    Args:
        channels: channels of each feature map.
        width: channels of the output.
        dropout: probability of dropping a channel of the output.
    """

    def __init__(self, channels: tuple[int, ...], width: int, dropout: float) -> None:
        super().__init__()
        self.block = conv_bn_relu(channels[-2], width, 3)
        self.dropout = drop_channels(dropout)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return the input of the auxiliary classifier."""
        x: Tensor = self.dropout(self.block(features[-2]))
        return x


class Pooled(nn.Module):
    """Average pooling to bins x bins, a 1x1 block, and resampling to the input's size.

    [B, before, H, W] -> [B, after, H, W]. With one bin, batch normalisation gets one value per
    channel and image, so training needs at least two images.

    Args:
        before: channels of the input.
        after: channels of the output.
        bins: number of bins along each side.
        align_corners: used when the bins are resampled: see `torch.nn.functional.interpolate`.
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
