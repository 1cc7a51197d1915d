"""The network of a trained model as one torch module: pixels in, logits out."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from searchctl.trainer.data.resizing import Size
from searchctl.trainer.trained.model import TrainedModel


class WholeNetwork(nn.Module):
    """Normalises images and runs the network in fp32.

    Images are [B, channels, H, W]: uint8 RGB, or float32 for rasters, NaN where a pixel is missing.
    Logits are float32 [B, classes, H, W]; [B, classes, 1, 1] of a classifier.
    """

    def __init__(self, model: TrainedModel) -> None:
        super().__init__()
        images = model.description.images
        self.network = model.network
        self.is_raster = images.bands is not None
        self.mean = nn.Buffer(torch.tensor(images.mean).view(1, -1, 1, 1))
        self.std = nn.Buffer(torch.tensor(images.std).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of images."""
        pixels = (images.to(torch.float32) - self.mean) / self.std
        if self.is_raster:
            pixels = pixels.nan_to_num(nan=0.0)
        logits: Tensor = self.network(pixels)
        return logits


def example(model: TrainedModel, size: Size, batch: int) -> Tensor:
    """Return images of random pixels, always the same.

    Args:
        model: the network that they are for.
        size: height and width.
        batch: number of images.
    """
    images = model.description.images
    noise = torch.Generator().manual_seed(0)
    shape: Sequence[int] = (batch, images.channels, *size)
    if images.bands is None:
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=noise)
    mean, std = (torch.tensor(each).view(1, -1, 1, 1) for each in (images.mean, images.std))
    return torch.randn(shape, generator=noise) * std + mean
