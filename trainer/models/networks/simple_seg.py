"""SimpleSeg: an encoder and a 1x1 classifier, without a decoder."""

from torch import Tensor, nn

from searchctl.trainer.models.base import SegmentationModel, drop_channels
from searchctl.trainer.models.timm.any_size import AnySizeEncoder


class SimpleSeg(SegmentationModel):
    """The simplest segmentation network: a classification network without pooling.

    A 1x1 convolution classifies the encoder's last features (1/32 of the image's size), and the
    logits are resampled bilinearly. This is FCN-32s of Long, Shelhamer and Darrell, 'Fully
    Convolutional Networks' (2015), section 4.1, with another encoder and without fully connected
    layers.

    Args:
        classes: channels of the logits.
        in_channels: channels of the images; 3 for RGB.
        encoder: timm's name of the encoder.
        dropout: probability of dropping a channel of the last features.
        drop_path: probability of skipping a residual branch of the encoder in training.

    Raises:
        SettingsError: there is no such encoder.
    """

    def __init__(
        self,
        classes: int,
        *,
        in_channels: int = 3,
        encoder: str = "resnet50s",
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = AnySizeEncoder(encoder, in_channels, drop_path=drop_path, least=1)
        self.multiple, self.smallest = self.encoder.multiple, self.encoder.smallest
        self.decoder = _LastFeatures(dropout)
        self.classifier = nn.Conv2d(self.encoder.channels[-1], classes, 1)


class _LastFeatures(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.dropout = drop_channels(dropout)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return the last features, [B, channels, H / 32, W / 32]."""
        x: Tensor = self.dropout(features[-1])
        return x
