"""SimpleFCN: three convolutions with pooling, three transposed convolutions."""

from torch import Tensor, nn

from searchctl.trainer.models.base import Encoder, SegmentationModel, drop_channels


class SimpleFCN(SegmentationModel):
    """A small baseline without skip connections, normalisation, or activations in the decoder.

    Each encoder step is a 3x3 convolution that doubles the channels, ReLU and 2x2 max-pooling. Each
    decoder step is a 2x2 transposed convolution that halves the channels and doubles the size; the
    last one is the classifier. If a side is not divisible by 8, the logits are resampled. The
    design follows Long, Shelhamer and Darrell, 'Fully Convolutional Networks' (2015).

    Args:
        classes: channels of the logits.
        in_channels: channels of the images; 3 for RGB.
        width: channels of the first step; the second has twice, the third four times as many.
        dropout: probability of dropping a channel after each decoder step.
    """

    smallest = 8

    def __init__(
        self, classes: int, *, in_channels: int = 3, width: int = 64, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.encoder = _Encoder(in_channels, width)
        self.decoder = nn.Sequential(
            _up(4 * width, 2 * width), drop_channels(dropout),
            _up(2 * width, width), drop_channels(dropout),
        )  # fmt: skip
        self.classifier = _up(width, classes)


class _Encoder(Encoder):
    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList(
            [_down(in_channels, width), _down(width, 2 * width), _down(2 * width, 4 * width)]
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the features, [B, 4 * width, H / 8, W / 8]."""
        for step in self.steps:
            x = step(x)
        return x

    def stages(self) -> list[list[nn.Module]]:
        """Return the encoder steps."""
        return [[step] for step in self.steps]


def _down(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))


def _up(before: int, after: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(before, after, 2, stride=2)
