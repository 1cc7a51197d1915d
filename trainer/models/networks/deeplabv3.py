"""DeepLabV3: a dilated encoder, and parallel convolutions of several dilations (ASPP)."""

import torch
from torch import Tensor, nn

from searchctl.trainer.models.base import SegmentationModel, drop_channels
from searchctl.trainer.models.blocks import FCNHead, Pooled, conv_bn_relu
from searchctl.trainer.models.timm.output_stride import encoder_of_stride


class DeepLabV3(SegmentationModel):
    """Chen et al., 'Rethinking Atrous Convolution' (2017), section 3.3, as in torchvision.

    The encoder's last features go through a 1x1 block, 3x3 blocks of several dilations and an
    average over the whole image. The results are concatenated, projected by a 1x1 block, and
    passed to the classifier through a 3x3 block.

    Args:
        classes: channels of the logits.
        in_channels: channels of the images; 3 for RGB.
        encoder: timm's name of the encoder.
        width: channels of each of these blocks, and of the auxiliary head.
        dropout: probability of dropping a channel after the projection, and before the auxiliary
            classifier.
        drop_path: probability of skipping a residual branch of the encoder in training.
        output_stride: image pixels per pixel of the encoder's last features.
        aspp_rates: the dilations, separated by commas. By default they span the same image pixels
            at any output stride: 12,24,36 at 8, 6,12,18 at 16, 3,6,9 at 32.
        aux_loss: whether there is an auxiliary head on the third stage's features.

    Raises:
        SettingsError: there is no such encoder, or it does not support this output stride.
    """

    def __init__(
        self,
        classes: int,
        *,
        in_channels: int = 3,
        encoder: str = "resnet50",
        width: int = 256,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        output_stride: int = 8,
        aspp_rates: str | None = None,
        aux_loss: bool = True,
    ) -> None:
        super().__init__()
        self.encoder = encoder_of_stride(encoder, output_stride, drop_path, in_channels)
        self.multiple, self.smallest = self.encoder.multiple, self.encoder.smallest
        channels = self.encoder.channels
        self.decoder = _Decoder(channels[-1], width, dropout, _rates(aspp_rates, output_stride))
        self.classifier = nn.Conv2d(width, classes, 1)
        if aux_loss:
            self.aux_decoder = FCNHead(channels, width, dropout)
            self.aux_classifier = nn.Conv2d(width, classes, 1)


class _Decoder(nn.Module):
    def __init__(self, before: int, width: int, dropout: float, rates: list[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                conv_bn_relu(before, width, 1),
                *(conv_bn_relu(before, width, 3, dilation=rate) for rate in rates),
                Pooled(before, width, bins=1, align_corners=False),
            ]
        )
        self.projection = conv_bn_relu(len(self.branches) * width, width, 1)
        self.dropout = drop_channels(dropout)
        self.block = conv_bn_relu(width, width, 3)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return the input of the classifier, [B, width, h, w] at the size of the last features."""
        joined = torch.cat([branch(features[-1]) for branch in self.branches], dim=1)
        x: Tensor = self.block(self.dropout(self.projection(joined)))
        return x


def _rates(text: str | None, output_stride: int) -> list[int]:
    if text is None:
        # 96, 192 and 288 image pixels: the paper's 12, 24 and 36 at an output stride of 8
        return [times * 96 // output_stride for times in (1, 2, 3)]
    return [int(rate) for rate in text.split(",")]
