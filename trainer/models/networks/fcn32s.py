"""FCN-32s: a convolutional classification network with one 32-fold upsampling layer."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from searchctl.trainer.models.base import SegmentationModel, drop_channels
from searchctl.trainer.models.timm.any_size import AnySizeEncoder

STRIDE = 32
VGG_NAMES = {"fc6": ("pre_logits.fc1", "classifier.0"), "fc7": ("pre_logits.fc2", "classifier.3")}
"""Layer -> its names in the weight files of a whole VGG: timm's, then torchvision's."""


class FCN32s(SegmentationModel):
    """Long, Shelhamer and Darrell, 'Fully Convolutional Networks' (2015), sections 3.1 and 4.1.

    VGG16 with its fully connected layers as convolutions (fc6 7x7, fc7 1x1), a 1x1 convolution
    for the class scores, and one transposed convolution (64x64, stride 32). The latter is
    initialised as bilinear interpolation, and trained. The paper pads the image by 100 pixels and
    crops; here fc6 is padded, and images are padded to a multiple of 32.

    Args:
        classes: channels of the logits.
        in_channels: channels of the images; 3 for RGB.
        encoder: timm's name of the encoder; its last features are used.
        width: channels of fc6 and fc7.
        dropout: probability of dropping a channel after fc6 and after fc7.
        drop_path: probability of skipping a residual branch of the encoder in training; VGG has no
            such branches.

    Raises:
        SettingsError: there is no such encoder.
    """

    def __init__(
        self,
        classes: int,
        *,
        in_channels: int = 3,
        encoder: str = "vgg16",
        width: int = 4096,
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = AnySizeEncoder(encoder, in_channels, drop_path=drop_path)
        self.multiple = self.encoder.padded_to(STRIDE)
        # if padding alone reaches the encoder's smallest size, any image is large enough
        padded = self.encoder.smallest <= self.multiple
        self.smallest = 1 if padded else self.encoder.smallest
        self.decoder = _Decoder(self.encoder.channels[-1], width, dropout)
        self.classifier = nn.Sequential(nn.Conv2d(width, classes, 1), _upsampling(classes))

    def load_pretrained_extra(self, tensors: Mapping[str, Tensor]) -> int:
        """Load fc6 and fc7 from the pretrained weights of a whole VGG, as in the paper.

        Returns:
            The number of tensors that were replaced: 4, or 0 if one is missing or has another
            width.
        """
        found = {
            f"{layer}.{kind}": tensors[f"{name}.{kind}"]
            for layer, names in VGG_NAMES.items()
            for name in names
            for kind in ("weight", "bias")
            if f"{name}.{kind}" in tensors
        }
        own = self.decoder.state_dict()
        if any(name not in found or found[name].numel() != own[name].numel() for name in own):
            return 0
        # torchvision's fc6 is a matrix over flattened 7x7 features, in the order of a 7x7 kernel
        self.decoder.load_state_dict(
            {name: tensor.reshape(own[name].shape) for name, tensor in found.items()}
        )
        return len(found)


class _Decoder(nn.Module):
    def __init__(self, before: int, width: int, dropout: float) -> None:
        super().__init__()
        self.fc6 = nn.Conv2d(before, width, 7, padding=3)
        self.fc7 = nn.Conv2d(width, width, 1)
        self.dropout = drop_channels(dropout)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return the input of the classifier, [B, width, H / 32, W / 32]."""
        x = features[-1]
        for layer in (self.fc6, self.fc7):
            x = self.dropout(layer(x).relu())
        return x


def _upsampling(classes: int) -> nn.ConvTranspose2d:
    """Return a layer [B, classes, h, w] -> [B, classes, 32 h, 32 w], initialised as bilinear."""
    size = 2 * STRIDE
    layer = nn.ConvTranspose2d(classes, classes, size, STRIDE, padding=STRIDE // 2, bias=False)
    nearness = 1 - (torch.arange(size) - (size - 1) / 2).abs() / STRIDE
    with torch.no_grad():
        layer.weight.zero_()
        for each in range(classes):
            layer.weight[each, each] = torch.outer(nearness, nearness)
    return layer
