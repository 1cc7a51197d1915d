"""Base classes of encoders and models: their parts, the size of logits and images."""

from collections.abc import Mapping
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from searchctl.trainer.core.errors import SettingsError


class Encoder(nn.Module):
    """Base of the encoders: images [B, 3, H, W] -> features, in a form that the decoder accepts."""

    def stages(self) -> list[list[nn.Module]]:
        """Return the modules of each stage, from the input on; the stem belongs to the first."""
        raise NotImplementedError


class SegmentationModel(nn.Module):
    """Base of the models: images [B, 3, H, W] -> logits [B, classes, H, W].

    A model creates its parts in this order: encoder, decoder, classifier; then aux_decoder and
    aux_classifier if it has an auxiliary head. So the encoder's fresh weights do not depend on the
    number of classes. Both decoders receive the output of the encoder. Logits of another size than
    the images are resampled to the images' size.
    """

    encoder: Encoder
    decoder: nn.Module
    classifier: nn.Module
    aux_decoder: nn.Module | None
    aux_classifier: nn.Module | None
    smallest: int
    """Smallest height and width of images in pixels."""
    multiple: int = 1
    """Images are padded at the right and the bottom until both sides are divisible by this; logits
    are cropped back."""
    smallest_batch: int = 2
    """Smallest number of images of a training batch in this process, with batch normalisation."""
    align_corners: ClassVar[bool] = False
    """Used when logits are resampled: see `torch.nn.functional.interpolate`."""

    def __init__(self) -> None:
        super().__init__()
        # class attributes would hide registered modules of the same names
        self.register_module("aux_decoder", None)
        self.register_module("aux_classifier", None)

    def offers(self, part: str) -> bool:
        """Return whether the network has a part: encoder, decoder, classifier or an auxiliary."""
        return isinstance(getattr(self, part, None), nn.Module)

    def part(self, name: str) -> nn.Module:
        """Return one of the parts.

        Raises:
            SettingsError: the network does not offer it.
        """
        part: nn.Module = getattr(self, name)
        return part

    def stages(self) -> list[list[nn.Module]]:
        """Return the modules of each stage of the encoder, from the input on.

        Raises:
            SettingsError: the network does not offer them.
        """
        return self.encoder.stages()

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of each pixel.

        Raises:
            SettingsError: a side of the images is below `smallest`, or a training batch has one
                image while the network has batch normalisation that is trained.
        """
        features = self._features(images)
        return self._resampled(self.classifier(self.decoder(features)), images)

    def all_logits(self, images: Tensor) -> list[Tensor]:
        """Return the logits of each pixel, followed by those of the auxiliary head if there is one.

        Raises:
            SettingsError: a side of the images is below `smallest`, or a training batch has one
                image while the network has batch normalisation that is trained.
        """
        features = self._features(images)
        logits = [self.classifier(self.decoder(features))]
        if self.aux_decoder is not None and self.aux_classifier is not None:
            logits.append(self.aux_classifier(self.aux_decoder(features)))
        return [self._resampled(each, images) for each in logits]

    def load_pretrained_extra(self, tensors: Mapping[str, Tensor]) -> int:
        """Load weights of parts other than the encoder from a pretrained file, if there are any.

        Args:
            tensors: state dict of the whole pretrained network, with its own names.

        Returns:
            The number of tensors that were replaced; 0 unless a model overrides this method.
        """
        return 0

    def _features(self, images: Tensor) -> object:
        return self.encoder(self._padded(images))

    def _padded(self, images: Tensor) -> Tensor:
        """Return the images, padded to a multiple, after the checks of their size and number."""
        batch, _, height, width = images.shape
        if min(height, width) < self.smallest:
            raise SettingsError(
                f"{type(self).__name__} needs images of at least {self.smallest}x{self.smallest} "
                f"pixels, not {height}x{width}: raise image_size"
            )
        # at every image size, though BatchNorm fails only where the image is a single value too
        if batch < self.smallest_batch and self._normalises_batches():
            raise SettingsError(
                f"a training batch needs at least 2 images, not {batch}: batch normalisation has "
                "no variance over one; train on 2 images or more"
            )
        return F.pad(images, (0, -width % self.multiple, 0, -height % self.multiple))

    def _normalises_batches(self) -> bool:
        return any(isinstance(m, _BatchNorm) and m.training for m in self.modules())

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
    """Return a Dropout2d, or an identity for 0, so that weight names do not depend on dropout."""
    return nn.Dropout2d(dropout) if dropout > 0 else nn.Identity()
