"""The block that the heads are made of: convolution, batch normalisation, ReLU."""

from torch import nn


def conv_bn_relu(before: int, after: int, kernel: int, *, dilation: int = 1) -> nn.Sequential:
    """Return a block [B, before, H, W] -> [B, after, H, W] that keeps the size (odd `kernel`)."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        # without a bias, which the normalisation would cancel
        nn.Conv2d(before, after, kernel, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )
