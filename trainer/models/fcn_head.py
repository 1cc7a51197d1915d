"""The auxiliary head of dilated networks: an FCN of one 3x3 convolution on the third stage."""

from torch import Tensor, nn

from searchctl.trainer.models.base import drop_channels
from searchctl.trainer.models.conv_bn_relu import conv_bn_relu


class FCNHead(nn.Module):
    """Decoder for an auxiliary loss: a list of features -> [B, width, h, w] of the last but one.

    Zhao et al., 'Pyramid Scene Parsing Network' (2017), section 3.3: a second loss where ResNet's
    third stage ends makes the deep network easier to optimise. It has no part in the prediction.

    Args:
        channels: channels of each of the features.
        width: channels of the result.
        dropout: probability with which a channel of the result is dropped.
    """

    def __init__(self, channels: tuple[int, ...], width: int, dropout: float) -> None:
        super().__init__()
        self.block = conv_bn_relu(channels[-2], width, 3)
        self.dropout = drop_channels(dropout)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return what the auxiliary classifier takes."""
        x: Tensor = self.dropout(self.block(features[-2]))
        return x
