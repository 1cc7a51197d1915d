"""Device, number format and memory layout of a network."""

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from searchctl.trainer.data.normalisation import IMAGENET, Normalisation
from searchctl.trainer.ddp.wrapper import ModelWrapper
from searchctl.trainer.settings.training import TrainSettings

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Defaults:
    """Meaning of `auto` on one kind of device."""

    precision: str
    channels_last: bool


DEFAULTS = {
    "cpu": Defaults(precision="fp32", channels_last=False),
    "cuda": Defaults(precision="bf16", channels_last=True),
}


class Precision:
    """Runs networks on one device, in one number format and memory layout.

    Args:
        settings: `precision` and `channels_last`, whose `auto` is looked up in DEFAULTS.
        device: where the network runs.
        normalisation: of the images' channels.
    """

    def __init__(
        self,
        settings: TrainSettings,
        device: torch.device,
        normalisation: Normalisation = IMAGENET,
    ) -> None:
        default = DEFAULTS[device.type]
        precision = default.precision if settings.precision == "auto" else settings.precision
        last = default.channels_last if settings.channels_last == "auto" else settings.channels_last
        self.device = device
        self.bf16 = precision == "bf16"
        self.memory_format = torch.channels_last if last else torch.contiguous_format
        self._mean = torch.tensor(normalisation.mean, device=device).view(-1, 1, 1)
        self._std = torch.tensor(normalisation.std, device=device).view(-1, 1, 1)

    def place(self, model: Model) -> Model:
        """Return the model on the device, in the memory layout; its weights stay fp32."""
        model.to(self.device)
        model.to(memory_format=self.memory_format)  # type: ignore[call-overload]  # not in its stub
        return model

    def normalise(self, images: Tensor) -> Tensor:
        """Return images [B, channels, H, W] as normalised floats on the device; NaN becomes 0."""
        # Bytes travel to the device and become floats there: a quarter of the transfer.
        pixels = images.to(self.device, non_blocking=True)
        pixels = pixels.to(torch.float32, memory_format=self.memory_format)
        if images.is_floating_point():  # rasters; these may be the caller's own numbers
            return pixels.sub(self._mean).div_(self._std).nan_to_num_(nan=0.0)
        return pixels.sub_(self._mean).div_(self._std)

    def padding(self, pixels: Tensor) -> Tensor:
        """Return what images [B, channels, H, W] are filled up with: their mean, [channels]."""
        mean = self._mean.flatten().to(pixels.device)
        return (
            mean.to(pixels.dtype) if pixels.is_floating_point() else mean.round().to(pixels.dtype)
        )

    def logits(self, model: nn.Module, images: Tensor) -> Tensor:
        """Return the model's fp32 logits [B, classes, H, W] of uint8 images."""
        with self._autocast():
            logits: Tensor = model(self.normalise(images))
        return logits.float()

    def all_logits(self, model: ModelWrapper, images: Tensor) -> list[Tensor]:
        """Return the same, followed by those of the auxiliary head where the model has one."""
        with self._autocast():
            logits = model.all_logits(self.normalise(images))
        return [each.float() for each in logits]

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)
