"""UPerNet: a feature pyramid network with a pyramid pooling module at its top."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchctl.trainer.models.base import SegmentationModel, drop_channels
from searchctl.trainer.models.blocks import FCNHead, Pooled, conv_bn_relu
from searchctl.trainer.models.networks.pspnet import BINS
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.models.timm.pyramid import Pyramid


class UPerNet(SegmentationModel):
    """Xiao et al., 'Unified Perceptual Parsing' (2018), section 3.1, on any network of timm.

    The encoder's last features go through PSPNet's pyramid pooling module. A feature pyramid
    network (Lin et al., 2017) then adds smaller features to the larger ones. All levels are
    concatenated at the size of the first. Each stage's features are normalised before the decoder,
    as in the segmentation of Liu et al., 'ConvNeXt' (2022). Features of plain vision transformers
    are not, as in the segmentation of BEiT (see `Pyramid`).

    Args:
        classes: channels of the logits.
        in_channels: channels of the images; 3 for RGB.
        encoder: timm's name of the encoder.
        width: channels of each level; the auxiliary head has half of them.
        dropout: probability of dropping a channel before each classifier.
        drop_path: probability of skipping a residual branch of the encoder in training.
        aux_loss: whether there is an auxiliary head on the last but one features.

    Raises:
        SettingsError: there is no such encoder.
    """

    def __init__(
        self,
        classes: int,
        *,
        in_channels: int = 3,
        encoder: str = "convnext_tiny",
        width: int = 512,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        aux_loss: bool = True,
    ) -> None:
        super().__init__()
        norm = partial(timm.layers.LayerNorm2d, eps=1e-6)
        self.encoder = Pyramid(encoder, in_channels, drop_path=drop_path, after=norm)
        self.multiple, self.smallest = self.encoder.multiple, self.encoder.smallest
        channels = self.encoder.channels
        self.decoder = _Decoder(channels, width, dropout)
        self.classifier = nn.Conv2d(width, classes, 1)
        if aux_loss:
            aux_width = max(1, width // 2)
            self.aux_decoder = FCNHead(channels, aux_width, dropout)
            self.aux_classifier = nn.Conv2d(aux_width, classes, 1)


class _Decoder(nn.Module):
    def __init__(self, channels: tuple[int, ...], width: int, dropout: float) -> None:
        super().__init__()
        *lower, top = channels
        self.bins = nn.ModuleList(
            Pooled(top, width, bins=count, align_corners=False) for count in BINS
        )
        self.top = conv_bn_relu(top + len(BINS) * width, width, 3)
        self.laterals = nn.ModuleList(conv_bn_relu(before, width, 1) for before in lower)
        self.blocks = nn.ModuleList(conv_bn_relu(width, width, 3) for _ in lower)
        self.fuse = conv_bn_relu(len(channels) * width, width, 3)
        self.dropout = drop_channels(dropout)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return the input of the classifier, [B, width, H / 4, W / 4]."""
        *lower, last = features
        above = self.top(torch.cat([last, *(pool(last) for pool in self.bins)], dim=1))
        levels = [above]
        # from the top level down to the largest features
        for each, lateral, block in list(zip(lower, self.laterals, self.blocks, strict=True))[::-1]:
            above = lateral(each) + _resampled(above, each)
            levels.insert(0, block(above))
        joined = torch.cat([_resampled(level, lower[0]) for level in levels], dim=1)
        x: Tensor = self.dropout(self.fuse(joined))
        return x


def _resampled(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
