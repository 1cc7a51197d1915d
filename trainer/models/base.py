"""What every model is: parts in a row, logits of the images' own size, a smallest size."""

from collections.abc import Mapping
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from searchctl.trainer.core.errors import SettingsError


class Encoder(nn.Module):
    """Base of the encoders: images [B, 3, H, W] -> features, by what they are made of."""

    def stages(self) -> list[list[nn.Module]]:
        """Return the modules of each stage, from the images upwards; the stem is in the first."""
        raise NotImplementedError


class SegmentationModel(nn.Module):
    """Base of the models: images [B, 3, H, W] -> logits [B, classes, H, W].

    A model builds its parts in this order (so that the encoder's first weights do not depend on
    the number of classes): encoder, decoder, classifier, and where it has an auxiliary head,
    aux_decoder and aux_classifier. What the encoder returns is what both decoders take. Logits
    that come out at another size than the images' are resampled to it.
    """

    encoder: Encoder
    decoder: nn.Module
    classifier: nn.Module
    aux_decoder: nn.Module | None
    aux_classifier: nn.Module | None
    smallest: int
    """Smallest height and width in pixels that the network can take."""
    multiple: int = 1
    """Images are padded to sides divisible by this, to the right and below; logits are cut back."""
    smallest_batch: int = 2
    """Images that a training batch needs, in this process."""
    align_corners: ClassVar[bool] = False
    """Where the corners are when logits are resampled: see `torch.nn.functional.interpolate`."""

    def __init__(self) -> None:
        super().__init__()
        # as class attributes they would hide the modules of the same names
        self.register_module("aux_decoder", None)
        self.register_module("aux_classifier", None)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of each pixel.

        Raises:
            SettingsError: a side of the images is below `smallest`, or a training batch of one.
        """
        features = self._features(images)
        return self._resampled(self.classifier(self.decoder(features)), images)

    def all_logits(self, images: Tensor) -> list[Tensor]:
        """Return the logits of each pixel, and where there is an auxiliary head, those of it too.

        Raises:
            SettingsError: a side of the images is below `smallest`, or a training batch of one.
        """
        features = self._features(images)
        logits = [self.classifier(self.decoder(features))]
        if self.aux_decoder is not None and self.aux_classifier is not None:
            logits.append(self.aux_classifier(self.aux_decoder(features)))
        return [self._resampled(each, images) for each in logits]

    def load_pretrained_extra(self, tensors: Mapping[str, Tensor]) -> int:
        """Take what a pretrained encoder's weights hold for other parts of the network too.

        Args:
            tensors: of the whole network that the encoder is taken from, by its names.

        Returns:
            How many tensors were replaced: none, but where a network says otherwise.
        """
        return 0

    def _features(self, images: Tensor) -> object:
        batch, _, height, width = images.shape
        if min(height, width) < self.smallest:
            raise SettingsError(
                f"{type(self).__name__} needs images of at least {self.smallest}x{self.smallest} "
                f"pixels, not {height}x{width}: raise image_size"
            )
        # of all networks, not only where BatchNorm would meet a single value: it depends on sizes
        if self.training and batch < self.smallest_batch:
            raise SettingsError(
                f"a training batch needs at least 2 images, not {batch}: batch normalisation has "
                "no variance over one; train on 2 images or more"
            )
        return self.encoder(F.pad(images, (0, -width % self.multiple, 0, -height % self.multiple)))

    def _resampled(self, logits: Tensor, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        padded = (height + -height % self.multiple, width + -width % self.multiple)
        if logits.shape[-2:] != padded:
            logits = F.interpolate(
                logits,
                size=padded,
                mode="bilinear",
                align_corners=self.align_corners,
            )
        return logits[..., :height, :width]


def drop_channels(dropout: float) -> nn.Module:
    """Return a Dropout2d, or an identity at 0: names of weights do not depend on the dropout."""
    return nn.Dropout2d(dropout) if dropout > 0 else nn.Identity()
