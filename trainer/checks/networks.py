"""What holds of every network, ours or the user's."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from searchctl.trainer.checks.base import Check, CheckFailed
from searchctl.trainer.models.base import SegmentationModel

STEPS = 500
"""Optimizer steps in which a network must learn four images by heart; one without normalisation
needs over 300."""
LEARNED = 0.9
"""Share of their pixels that must be right then."""
_ODD = (5, 3)
"""Pixels that are added to height and width to get an image of odd sides."""


@dataclass(frozen=True)
class NetworkCase:
    """A network to check: how to build it, and the images that it is to take."""

    build: Callable[..., SegmentationModel]
    """Builds one from torch's global generator; takes `dropout`."""
    classes: int = 5
    channels: int = 3
    image_size: tuple[int, int] = (64, 64)
    """Height and width in pixels."""
    has_dropout: bool = True
    """Whether it takes a dropout above 0."""

    def made(self, seed: int = 0, dropout: float = 0.0) -> SegmentationModel:
        """Return one with the weights of a seed."""
        torch.manual_seed(seed)
        return self.build(dropout=dropout)

    def images(self, batch: int = 2, size: tuple[int, int] | None = None) -> Tensor:
        """Return the same random images [batch, channels, H, W] each time."""
        noise = torch.Generator().manual_seed(1)
        return torch.randn(batch, self.channels, *(size or self.image_size), generator=noise)


def _same(first: SegmentationModel, second: SegmentationModel) -> bool:
    one, two = first.state_dict(), second.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@torch.no_grad()
def logits_are_of_the_images_size(case: NetworkCase) -> None:
    """Logits are finite and have the size of the images, in training and in evaluation."""
    _takes(case, case.image_size)


@torch.no_grad()
def images_of_odd_sides_are_taken(case: NetworkCase) -> None:
    """So are those of images with odd sides; finalists may be scored at any size."""
    height, width = (side + more for side, more in zip(case.image_size, _ODD, strict=True))
    try:
        _takes(case, (height, width))
    except Exception as error:
        raise CheckFailed(
            f"images of {height}x{width} pixels fail: {error}\nresize its features with "
            "F.interpolate(x, size=skip.shape[-2:]), or set an attribute `multiple`: images are "
            "then padded to a multiple of it"
        ) from error


def _takes(case: NetworkCase, size: tuple[int, int]) -> None:
    model = case.made()
    for training in (True, False):
        logits = model.train(training)(case.images(size=size))
        if logits.shape != (2, case.classes, *size):
            raise CheckFailed(f"logits are {list(logits.shape)}, not {[2, case.classes, *size]}")
        if not logits.isfinite().all():
            raise CheckFailed(
                "logits of random images are NaN or infinite: check its first weights"
            )


@torch.no_grad()
def one_image_is_evaluated_alone(case: NetworkCase) -> None:
    """In evaluation an image's logits do not depend on the others of its batch."""
    model, images = case.made().eval(), case.images(3)
    alone, together = model(images[1:2]), model(images)[1:2]
    if not torch.allclose(alone, together, atol=1e-4, rtol=1e-3):
        raise CheckFailed(
            "an image has other logits alone than in a batch, in evaluation: normalise by stored "
            "statistics there, as nn.BatchNorm2d does"
        )


@torch.no_grad()
def evaluation_repeats(case: NetworkCase) -> None:
    """In evaluation nothing is random."""
    model, images = case.made(dropout=0.5 if case.has_dropout else 0.0).eval(), case.images()
    if not torch.equal(model(images), model(images)):
        raise CheckFailed("it is random in evaluation: use nn.Dropout, or test self.training")


@torch.no_grad()
def dropout_acts_when_it_is_set(case: NetworkCase) -> str | None:
    """With dropout 0 training is not random, with 0.5 it is."""
    images = case.images()
    is_random = _random_heads(case.made().train(), images)
    if not case.has_dropout:
        random = "it is random in training, and " if any(is_random) else ""
        return f"{random}it has no parameter dropout: a sweep that sets dropout is refused"
    if any(is_random):
        raise CheckFailed("it is random in training with dropout 0: take its rate from `dropout`")
    model = case.made(dropout=0.5).train()
    if not all(_random_heads(model, images)):
        raise CheckFailed("dropout 0.5 changes nothing in training: apply it in forward")
    if [*case.made().state_dict()] != [*model.state_dict()]:
        raise CheckFailed("names of weights depend on dropout: use nn.Identity in its place")
    return None


def _random_heads(model: SegmentationModel, images: Tensor) -> list[bool]:
    """Return whether the logits of each head differ from one pass to the next."""
    pairs = zip(model.all_logits(images), model.all_logits(images), strict=True)
    return [not torch.equal(*pair) for pair in pairs]


def gradients_reach_every_weight(case: NetworkCase) -> None:
    """Every weight has a gradient after two steps, some of which may begin as zeros."""
    model = case.made().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    labels = _labels(case, 2)
    for _ in range(2):
        optimizer.zero_grad()
        torch.autograd.backward(_loss(model, case.images(), labels))
        optimizer.step()
    trained = [(name, each.grad) for name, each in model.named_parameters() if each.requires_grad]
    without = [
        name.removeprefix("network.") for name, grad in trained if grad is None or not grad.any()
    ]
    if without:
        raise CheckFailed(
            f"no gradient reaches {', '.join(without[:5])}"
            + (f" and {len(without) - 5} more" if len(without) > 5 else "")
            + ": use them in forward, remove them, or set requires_grad_(False)"
        )


def weights_repeat_by_seed(case: NetworkCase) -> None:
    """The same seed gives the same first weights, another one others."""
    if not _same(case.made(), case.made()):
        raise CheckFailed("one seed gives different first weights: draw them from torch alone")
    first, other = case.made(), case.made(seed=1)
    if list(first.parameters()) and _same(first, other):
        raise CheckFailed(
            "two seeds give the same first weights: leave a generator of its own out, and load "
            "pretrained weights by `init: checkpoint:FILE`"
        )


@torch.no_grad()
def weights_can_be_saved_and_copied(case: NetworkCase) -> None:
    """Its weights in another copy give the same logits: what is kept is what was scored."""
    model, other, images = case.made().eval(), case.made(seed=1).eval(), case.images()
    copy.deepcopy(model)  # for the moving average of weights
    other.load_state_dict(model.state_dict())
    if not torch.equal(model(images), other(images)):
        raise CheckFailed("state_dict() lacks what it computes with: register tensors as buffers")


def four_images_are_learned(case: NetworkCase) -> str:
    """It learns four images by heart, so its gradients lead somewhere."""
    model, images = case.made().train(), case.images(4)
    labels = _labels(case, 4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    share = 0.0
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        torch.autograd.backward(_loss(model, images, labels))
        optimizer.step()
        if step % 10 == 0:
            with torch.no_grad():
                share = (model(images).argmax(1) == labels).float().mean().item()
            if share >= LEARNED:
                return f"{share:.0%} of their pixels after {step} steps"
    raise CheckFailed(
        f"only {share:.0%} of the pixels of four images are right after {STEPS} steps of AdamW: "
        "look for a ReLU or softmax at the end, or weights that start too large or too small"
    )


def _labels(case: NetworkCase, batch: int) -> Tensor:
    """Return labels [batch, H, W] of rectangles, which any stride can learn."""
    height, width = case.image_size
    rows = (torch.arange(height) * 2 // height).view(1, -1, 1)
    columns = (torch.arange(width) * 2 // width).view(1, 1, -1)
    return (rows * 2 + columns + torch.arange(batch).view(-1, 1, 1)) % case.classes


def _loss(model: SegmentationModel, images: Tensor, labels: Tensor) -> Tensor:
    return torch.stack([F.cross_entropy(each, labels) for each in model.all_logits(images)]).sum()


NETWORK_CHECKS: dict[str, Check[NetworkCase]] = {
    "logits have the size of the images": Check(logits_are_of_the_images_size),
    "images of odd sides": Check(images_of_odd_sides_are_taken, is_quick=False),
    "a batch of one image in evaluation": Check(one_image_is_evaluated_alone),
    "evaluation is not random": Check(evaluation_repeats),
    "dropout acts when it is set": Check(dropout_acts_when_it_is_set, is_quick=False),
    "gradients reach every weight": Check(gradients_reach_every_weight, is_quick=False),
    "first weights repeat by seed": Check(weights_repeat_by_seed),
    "weights can be saved and copied": Check(weights_can_be_saved_and_copied),
    "four images are learned by heart": Check(four_images_are_learned, is_quick=False),
}
"""What is checked -> the check, in the order in which they run."""
