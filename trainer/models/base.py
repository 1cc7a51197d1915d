"""What every model is: three parts in a row, logits of the images' own size, a smallest size."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from trainer.errors import SettingsError


class SegmentationModel(nn.Module):
    """Base of the models: images [B, 3, H, W] -> logits [B, classes, H, W].

    A model builds its three parts, in this order (so that the encoder's first weights do not
    depend on the number of classes). What the encoder returns is what the decoder takes; logits
    that come out at another size than the images' are resampled to it.
    """

    encoder: nn.Module
    decoder: nn.Module
    classifier: nn.Module
    smallest: ClassVar[int]
    """Smallest height and width in pixels that the network can take."""

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of each pixel.

        Raises:
            SettingsError: a side of the images is below `smallest`.
        """
        size = images.shape[-2:]
        if min(size) < self.smallest:
            raise SettingsError(
                f"{type(self).__name__} needs images of at least {self.smallest}x{self.smallest} "
                f"pixels, not {size[0]}x{size[1]}: raise image_size"
            )
        logits: Tensor = self.classifier(self.decoder(self.encoder(images)))
        if logits.shape[-2:] == size:
            return logits
        return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)


def drop_channels(dropout: float) -> nn.Module:
    """Return a Dropout2d, or an identity at 0: names of weights do not depend on the dropout."""
    return nn.Dropout2d(dropout) if dropout > 0 else nn.Identity()
