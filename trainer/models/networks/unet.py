"""U-Net with padded convolutions, with or without batch normalisation."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchctl.trainer.models.base import Encoder, SegmentationModel, drop_channels

LEVELS = 5


class UNet(SegmentationModel):
    """Ronneberger, Fischer and Brox, 'U-Net' (2015), figure 1, with padding.

    Five levels of two 3x3 convolutions. The encoder has 2x2 max-pooling between levels, the decoder
    2x2 transposed convolutions and skip connections. The encoder includes the lowest level (the
    bottleneck). With padded convolutions, the output has the size of the input.

    Args:
        classes: channels of the logits.
        in_channels: channels of the images; 3 for RGB.
        width: channels of the first level; each level below has twice as many.
        dropout: probability of dropping a channel after the bottleneck and after each decoder
            level.
        batch_norm: whether each convolution is followed by batch normalisation.
    """

    smallest = 2 ** (LEVELS - 1)

    def __init__(
        self,
        classes: int,
        *,
        in_channels: int = 3,
        width: int = 64,
        dropout: float = 0.0,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        channels = [width * 2**level for level in range(LEVELS)]
        self.encoder = _Encoder(in_channels, channels, dropout, batch_norm)
        self.decoder = _Decoder(channels, dropout, batch_norm)
        self.classifier = nn.Conv2d(width, classes, 1)


class _Encoder(Encoder):
    def __init__(
        self, in_channels: int, channels: list[int], dropout: float, batch_norm: bool
    ) -> None:
        super().__init__()
        before = [in_channels, *channels[:-1]]
        self.levels = nn.ModuleList(
            _two_convolutions(*pair, batch_norm) for pair in zip(before, channels, strict=True)
        )
        self.pool = nn.MaxPool2d(2)
        self.dropout = drop_channels(dropout)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features of each level, the largest first."""
        features = [self.levels[0](x)]
        for level in self.levels[1:]:
            features.append(level(self.pool(features[-1])))
        features[-1] = self.dropout(features[-1])
        return features

    def stages(self) -> list[list[nn.Module]]:
        """Return the levels."""
        return [[level] for level in self.levels]


class _Decoder(nn.Module):
    def __init__(self, channels: list[int], dropout: float, batch_norm: bool) -> None:
        super().__init__()
        upwards = list(zip(channels[:0:-1], channels[-2::-1], strict=True))
        self.levels = nn.ModuleList(_Up(*pair, dropout, batch_norm) for pair in upwards)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return the features at the image's size, [B, width, H, W]."""
        x = features[-1]
        for level, skip in zip(self.levels, features[-2::-1], strict=True):
            x = level(x, skip)
        return x


class _Up(nn.Module):
    def __init__(self, below: int, here: int, dropout: float, batch_norm: bool) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(below, here, 2, stride=2)
        self.convolutions = _two_convolutions(2 * here, here, batch_norm)
        self.dropout = drop_channels(dropout)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Double the size of `x`, concatenate `skip` [B, here, h, w], convolve."""
        x = self.up(x)
        # pooling an odd side drops its last row or column
        missing = (skip.shape[-1] - x.shape[-1], skip.shape[-2] - x.shape[-2])
        x = F.pad(x, (0, missing[0], 0, missing[1]))
        joined: Tensor = self.dropout(self.convolutions(torch.cat([skip, x], dim=1)))
        return joined


def _two_convolutions(before: int, after: int, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (before, after):
        # no bias before BatchNorm, which would cancel it
        layers.append(nn.Conv2d(channels, after, 3, padding=1, bias=not batch_norm))
        layers += [nn.BatchNorm2d(after)] if batch_norm else []
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)
