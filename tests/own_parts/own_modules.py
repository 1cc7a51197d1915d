"""Networks, losses, optimizers and schedules as users write them: some right, some wrong."""

from pathlib import Path

import torch
from pydantic import BaseModel, Field
from torch import nn

EXAMPLE = Path(__file__).parents[2] / "examples" / "own-parts"


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


class AlwaysSame(nn.Module):
    """Draws its weights from a generator of its own."""

    def __init__(self, classes):
        super().__init__()
        self.body = nn.Conv2d(3, classes, 1)
        own = torch.Generator().manual_seed(0)
        for weights in self.body.parameters():
            nn.init.normal_(weights, generator=own)

    def forward(self, images):
        return self.body(images)


class Noisy(AlwaysSame):
    """Is random in evaluation too."""

    def forward(self, images):
        return self.body(nn.functional.dropout(images, 0.5))


class EvenOnly(AlwaysSame):
    """Adds features of half the size, doubled: odd sides do not fit."""

    def forward(self, images):
        small = nn.functional.max_pool2d(images, 2)
        return self.body(images + nn.functional.interpolate(small, scale_factor=2))


class Unused(AlwaysSame):
    """Has weights that it does not use."""

    def __init__(self, classes):
        super().__init__(classes)
        self.spare = nn.Linear(2, 2)


class Ends(AlwaysSame):
    """Ends in logits that are almost constant."""

    def forward(self, images):
        return 1e-4 * self.body(images).sigmoid()


def higher_is_better(logits, labels, ignore_index):
    """A gain instead of a loss."""
    return -nn.functional.cross_entropy(logits, labels, ignore_index=ignore_index)


def own_rate(params, lr):
    """An optimizer that ignores the learning rates of its groups."""
    weights = [weight for group in params for weight in group["params"]]
    return torch.optim.SGD(weights, lr=0.5)


def negative(optimizer, steps):
    """A schedule that falls below zero."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - 2 * step / steps)


class BrokenGradient(AlwaysSame):
    """Fails in the backward pass, where no call of ours is around it."""

    def forward(self, images):
        logits = self.body(images)
        if logits.requires_grad:
            logits.register_hook(lambda gradient: {}["in backward"])
        return logits


class OneLogit(nn.Module):
    """Returns one logit for two classes."""

    def __init__(self, classes):
        super().__init__()
        self.body = nn.Conv2d(3, 1, 1)

    def forward(self, images):
        return self.body(images)


class NeedsValues(AlwaysSame):
    """Reads a number from a tensor, which the meta device cannot."""

    def forward(self, images):
        return self.body(images) * (1.0 if images.sum().item() >= 0 else -1.0)
