"""SegFormer: a feature pyramid with a decoder of 1x1 convolutions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchctl.trainer.models.base import SegmentationModel, drop_channels
from searchctl.trainer.models.blocks import conv_bn_relu
from searchctl.trainer.models.timm.mix_transformer import MIX_TRANSFORMERS
from searchctl.trainer.models.timm.pyramid import Pyramid

_WIDE = ("mit_b2", "mit_b3", "mit_b4", "mit_b5")


class SegFormer(SegmentationModel):
    """Xie et al., 'SegFormer' (2021), section 3.

    Each feature map of the encoder is projected to `width` channels and resampled to the size of
    the first. All are concatenated and mixed by a 1x1 block. Logits have a quarter of the image's
    size before resampling. mit_b0 to mit_b5 have as many parameters as in the paper.

    Args:
        classes: channels of the logits.
        in_channels: channels of the images; 3 for RGB.
        encoder: mit_b0 to mit_b5, or timm's name of another network. pvt_v2_b0 is almost mit_b0,
            and has pretrained weights.
        width: channels of the decoder; by default 768 for mit_b2 to mit_b5, as in the paper, and
            256 for all others.
        dropout: probability of dropping a channel before the classifier.
        drop_path: probability of skipping a residual branch of the encoder in training; 0.1 in the
            paper.

    Raises:
        SettingsError: there is no such encoder.
    """

    def __init__(
        self,
        classes: int,
        *,
        in_channels: int = 3,
        encoder: str = "mit_b0",
        width: int | None = None,
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        name, options = MIX_TRANSFORMERS.get(encoder, (encoder, {}))
        self.encoder = Pyramid(name, in_channels, drop_path=drop_path, **options)
        self.multiple, self.smallest = self.encoder.multiple, self.encoder.smallest
        width = width or (768 if encoder in _WIDE else 256)
        self.decoder = _Decoder(self.encoder.channels, width, dropout)
        self.classifier = nn.Conv2d(width, classes, 1)


class _Decoder(nn.Module):
    def __init__(self, channels: tuple[int, ...], width: int, dropout: float) -> None:
        super().__init__()
        self.projections = nn.ModuleList(nn.Conv2d(before, width, 1) for before in channels)
        self.fuse = conv_bn_relu(len(channels) * width, width, 1)
        self.dropout = drop_channels(dropout)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return the input of the classifier, [B, width, H / 4, W / 4]."""
        size = features[0].shape[-2:]
        projected = [
            F.interpolate(projection(each), size=size, mode="bilinear", align_corners=False)
            for projection, each in zip(self.projections, features, strict=True)
        ]
        # the deepest features come first, as in the authors' code
        x: Tensor = self.dropout(self.fuse(torch.cat(projected[::-1], dim=1)))
        return x
