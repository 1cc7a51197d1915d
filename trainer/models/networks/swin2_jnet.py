"""Swin2-JNet: an encoder from a quarter of the image's size, and a decoder up to its full size."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.base import SegmentationModel, drop_channels
from searchctl.trainer.models.timm.any_size import AnySizeEncoder

STRIDES = (4, 8, 16, 32)
SMALLEST, SMALLEST_WIDTH = 8, 16


class Swin2JNet(SegmentationModel):
    """A U-Net's decoder on SwinV2 (Liu et al., 'Swin Transformer V2', 2022).

    The encoder's first features have a quarter of the image's size, so one arm of the U is shorter,
    like a J. The lowest level has two convolutions. Three decoder steps concatenate the encoder's
    features as in U-Net. Two more steps without skip connections restore the image's size. Each
    step doubles the size by a 2x2 transposed convolution that halves the channels, and ends with
    two 3x3 convolutions.

    SwinV2 accepts images of any size here, with weights of any other size, since its position bias
    is a function of distances. Images are padded to whole patches of 4 pixels.

    Args:
        classes: channels of the logits.
        in_channels: channels of the images; 3 for RGB.
        encoder: timm's name of the encoder; it must have features at strides 4, 8, 16 and 32.
        width: channels of the first decoder step. The lowest level has twice as many; each step has
            half of the channels of the step before.
        dropout: probability of dropping a channel after each 3x3 convolution.
        drop_path: probability of skipping a residual branch of the encoder in training.

    Raises:
        SettingsError: there is no such encoder, its features have other strides, or the width is
            below 16.
    """

    def __init__(
        self,
        classes: int,
        *,
        in_channels: int = 3,
        encoder: str = "swinv2_base_window8_256",
        width: int = 512,
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        if width < SMALLEST_WIDTH:
            raise SettingsError(
                f"swin2_jnet needs a width of at least {SMALLEST_WIDTH}, not {width}: its last "
                "step has a sixteenth of the width"
            )
        self.encoder = AnySizeEncoder(encoder, in_channels, drop_path=drop_path, least=SMALLEST)
        if self.encoder.reductions != STRIDES:
            raise SettingsError(
                f"swin2_jnet needs features at strides {STRIDES}, but encoder '{encoder}' has them "
                f"at {self.encoder.reductions}: use another one, such as convnext_tiny or resnet50"
            )
        self.multiple = self.encoder.padded_to(STRIDES[0])
        self.smallest = self.encoder.smallest  # most encoders do not pad a level that is too small
        widths = [2 * width // 2**step for step in range(6)]
        self.decoder = _Decoder(self.encoder.channels, widths, dropout)
        self.classifier = nn.Conv2d(widths[-1], classes, 1)


class _Decoder(nn.Module):
    def __init__(self, channels: tuple[int, ...], widths: list[int], dropout: float) -> None:
        super().__init__()
        self.lowest = _two_convolutions(channels[-1], widths[0], dropout)
        skips = [*channels[-2::-1], 0, 0]
        self.steps = nn.ModuleList(
            _Up(below, skip, here, dropout)
            for below, skip, here in zip(widths, skips, widths[1:], strict=False)
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return the features at the image's size, [B, width / 16, H, W]."""
        x: Tensor = self.lowest(features[-1])
        for step, skip in zip(self.steps, [*features[-2::-1], None, None], strict=True):
            x = step(x, skip)
        return x


class _Up(nn.Module):
    def __init__(self, below: int, skip: int, here: int, dropout: float) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(below, here, 2, stride=2)
        self.convolutions = _two_convolutions(here + skip, here, dropout)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Double the size of `x`, concatenate `skip` [B, skip, h, w] if there is one, convolve."""
        x = self.up(x)
        if skip is not None:
            # encoders round an odd size down or up, so `x` may lack a row or have one too many
            height, width = skip.shape[-2:]
            x = F.pad(x, (0, width - x.shape[-1], 0, height - x.shape[-2]))
            x = torch.cat([skip, x], dim=1)
        convolved: Tensor = self.convolutions(x)
        return convolved


def _two_convolutions(before: int, after: int, dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (before, after):
        # BatchNorm cancels this bias; it is kept so that the parameter count equals the published
        layers += [nn.Conv2d(channels, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        layers.append(drop_channels(dropout))
    return nn.Sequential(*layers)
