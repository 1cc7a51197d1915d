"""PSPNet: a dilated encoder with a pyramid pooling module."""

import torch
from torch import Tensor, nn

from searchctl.trainer.models.base import SegmentationModel, drop_channels
from searchctl.trainer.models.blocks import FCNHead, Pooled, conv_bn_relu
from searchctl.trainer.models.timm.encoder import TimmEncoder
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.models.timm.output_stride import encoder_of_stride

BINS = (1, 2, 3, 6)


class PSPNet(SegmentationModel):
    """Zhao et al., 'Pyramid Scene Parsing Network' (2017), figure 3.

    The encoder's last features are concatenated with their averages over 1x1, 2x2, 3x3 and 6x6 bins
    of the image, and passed to the classifier through a 3x3 block. As in the authors' code, all
    resampling uses `align_corners`, and the first block of a dilated stage has the dilation of the
    other blocks.

    Args:
        classes: channels of the logits.
        in_channels: channels of the images; 3 for RGB.
        encoder: timm's name of the encoder.
        width: channels of each bin and of the 3x3 block; the auxiliary head has half of them.
        dropout: probability of dropping a channel before each classifier.
        drop_path: probability of skipping a residual branch of the encoder in training.
        output_stride: image pixels per pixel of the encoder's last features.
        ppm: whether there is a pyramid pooling module; without it the network is a dilated FCN.
        aux_loss: whether there is an auxiliary head on the third stage's features.

    Raises:
        SettingsError: there is no such encoder, or it does not support this output stride.
    """

    align_corners = True

    def __init__(
        self,
        classes: int,
        *,
        in_channels: int = 3,
        encoder: str = "resnet50s",
        width: int = 512,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        output_stride: int = 8,
        ppm: bool = True,
        aux_loss: bool = True,
    ) -> None:
        super().__init__()
        self.encoder = encoder_of_stride(encoder, output_stride, drop_path, in_channels)
        self.multiple, self.smallest = self.encoder.multiple, self.encoder.smallest
        _dilate_first_blocks(self.encoder)
        channels = self.encoder.channels
        self.decoder = _Decoder(channels[-1], width, dropout, BINS if ppm else ())
        self.classifier = nn.Conv2d(width, classes, 1)
        if aux_loss:
            aux_width = max(1, width // 2)
            self.aux_decoder = FCNHead(channels, aux_width, dropout)
            self.aux_classifier = nn.Conv2d(aux_width, classes, 1)


class _Decoder(nn.Module):
    def __init__(self, before: int, width: int, dropout: float, bins: tuple[int, ...]) -> None:
        super().__init__()
        self.pyramid = nn.ModuleList(
            Pooled(before, width, bins=count, align_corners=True) for count in bins
        )
        self.block = conv_bn_relu(before + len(bins) * width, width, 3)
        self.dropout = drop_channels(dropout)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return the input of the classifier, [B, width, h, w] at the size of the last features."""
        last = features[-1]
        joined = torch.cat([last, *(branch(last) for branch in self.pyramid)], dim=1)
        x: Tensor = self.dropout(self.block(joined))
        return x


def _dilate_first_blocks(encoder: TimmEncoder) -> None:
    """Set the dilation of the first block of a ResNet's dilated stages to that of the other blocks.

    timm and torchvision keep the dilation of the previous stage there.
    """
    for stage, stride, reached in zip((3, 4), (16, 32), encoder.reductions[-2:], strict=True):
        blocks = getattr(encoder.net, f"layer{stage}", None)
        if blocks is not None and isinstance(blocks[0], timm.models.resnet.Bottleneck):
            dilation = stride // reached
            blocks[0].conv2.dilation = blocks[0].conv2.padding = (dilation, dilation)
