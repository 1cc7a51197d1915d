"""Networks, losses, optimizers and schedules as users write them: some right, some wrong."""

from pathlib import Path

import torch
from pydantic import BaseModel, Field
from torch import nn

EXAMPLE = Path(__file__).parents[1] / "examples" / "own-parts"


class Half(nn.Module):
    """Returns logits of half the size in a dict; it has no dropout and fixed channels."""

    def __init__(self, num_classes, *, depth):
        super().__init__()
        self.body = nn.Conv2d(3, num_classes, 3, stride=2, padding=1)

    def forward(self, images):
        return {"out": self.body(images)}


def factory(classes, width=4):
    """A function that returns a module."""
    return nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, classes, 1))


class Options(BaseModel):
    """Options as a pydantic model."""

    rate: float = Field(default=0.5, ge=0)


class WithOptions(nn.Module):
    """Takes its options in one object."""

    def __init__(self, classes, options: Options):
        super().__init__()
        self.rate = options.rate
        self.body = nn.Conv2d(3, classes, 1)

    def forward(self, images):
        return self.body(images)


class Broken(nn.Module):
    """Fails when it is called."""

    def __init__(self, classes):
        super().__init__()
        self.sizes = {}

    def forward(self, images):
        return self.sizes["missing"]


def pixel_loss(logits, labels, gamma=1.0):
    """A function as a loss, without `ignore_index`."""
    return gamma * nn.functional.cross_entropy(logits, labels)


def mean_of_images(logits, labels, ignore_index):
    """Returns one number for each image: not a scalar."""
    losses = nn.functional.cross_entropy(
        logits, labels, ignore_index=ignore_index, reduction="none"
    )
    return losses.mean(dim=(1, 2))


def triangle(optimizer, steps, peak=0.5):
    """A schedule by a function: up to `peak` of all steps, then down."""
    top = max(1, round(peak * steps))
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: (step + 1) / top if step < top else (steps - step) / steps
    )
