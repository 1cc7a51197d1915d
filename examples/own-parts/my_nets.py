"""A network of one's own: searchctl knows it as my_nets:ResUNet."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3x3 convolutions with a shortcut, both with batch normalisation."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features [B, after, H, W]."""
        return F.relu(self.convolutions(x) + self.shortcut(x))


class ResUNet(nn.Module):
    """A U-Net of residual blocks: images [B, in_channels, H, W] -> logits [B, classes, H, W].

    searchctl gives `classes`, `in_channels` and `dropout` by their names. The others are options:
    they are given, and searched, as `model_args`.

    Args:
        classes: channels of the logits.
        in_channels: channels of the images.
        dropout: probability with which a channel before the classifier is dropped in training.
        depth: levels of the encoder, each half the size of the one above.
        width: channels of the first level; each level has twice as many as the one above.
    """

    def __init__(
        self,
        classes: int,
        in_channels: int = 3,
        dropout: float = 0.0,
        depth: int = 3,
        width: int = 16,
    ) -> None:
        super().__init__()
        channels = [width * 2**level for level in range(depth)]
        self.encoder = nn.ModuleList(
            Residual(*pair) for pair in zip([in_channels, *channels[:-1]], channels, strict=True)
        )
        self.decoder = nn.ModuleList(
            Residual(below + here, here)
            for below, here in zip(channels[:0:-1], channels[-2::-1], strict=True)
        )
        self.dropout = nn.Dropout2d(dropout)
        self.classifier = nn.Conv2d(width, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of each pixel."""
        levels = []
        x = images
        for block in self.encoder:
            x = block(F.max_pool2d(x, 2, ceil_mode=True) if levels else x)
            levels.append(x)
        for block, skip in zip(self.decoder, levels[-2::-1], strict=True):
            x = F.interpolate(x, skip.shape[-2:], mode="bilinear", align_corners=False)
            x = block(torch.cat([skip, x], dim=1))
        return self.classifier(self.dropout(x))
