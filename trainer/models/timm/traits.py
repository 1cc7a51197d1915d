"""Finds which images a timm network accepts, by running it on the meta device.

timm does not document this, and the meta device computes nothing. Transformers may require whole
patches, an option, or images of one size. Some networks with skip connections require sides that
can be halved at each stage.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import nn

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.timm.encoder import TimmEncoder

_ANY = (131, 163)
"""A height and a width to try. Both are prime, and even padded to a multiple of 32 they are no
multiples of the usual window sizes."""
_SMALL = (32, 64, 96, 128)
"""Sides to try. Below 32, the last features of most networks are smaller than a pixel."""


class Sizes(NamedTuple):
    """The image sizes that a network accepts."""

    multiple: int
    """Sides of images must be divisible by this."""
    smallest: int
    """Smallest accepted side of those that were tried, in pixels."""
    only: tuple[int, int] | None
    """Height and width if the network accepts only this size, else None."""


class Traits(NamedTuple):
    """How to build a network, and the images that it then accepts."""

    options: dict[str, Any]
    """Arguments of its constructor: for images of any size, and features from its whole depth."""
    plain: bool
    """Whether all features have the same size, as those of a vision transformer."""
    sizes: Sizes


def traits(name: str, least: int = _SMALL[0], **options: Any) -> Traits:
    """Return the traits of timm's network of that name.

    Args:
        name: timm's name of the network.
        least: the side to try first, in pixels.
        options: further arguments of the network's constructor.

    Raises:
        SettingsError: timm has no such network, or it does not accept these options.
    """
    return _traits(name, least, tuple(options.items()))


@cache
def _traits(name: str, least: int, given: tuple[tuple[str, Any], ...]) -> Traits:
    options = dict(given)
    network = _without_weights(name, options)
    if "dynamic_img_size" in network.options:
        options["dynamic_img_size"] = True
    plain = len(set(network.reductions)) == 1
    if plain:
        options["out_indices"] = over_all(len(network.net.feature_info.info))
    only = network.net.pretrained_cfg["input_size"]
    multiples = (1, network.reductions[0], network.reductions[-1])
    return Traits(options, plain, sizes_of(network, multiples, only, least))


def sizes_of(
    network: nn.Module,
    multiples: Iterable[int],
    own: tuple[int, int, int],
    least: int = _SMALL[0],
) -> Sizes:
    """Return the image sizes that a network on the meta device accepts.

    Args:
        network: maps images [B, 3, H, W] to any output.
        multiples: divisors of the sides to try, in order.
        own: channels, height and width of the images that the network is made for.
        least: the side to try first, in pixels.
    """
    for multiple in multiples:
        if _takes(network, _ANY, multiple):
            sides = (least, *_SMALL)
            fitting = (side for side in sides if _takes(network, (side, side), multiple))
            return Sizes(multiple, next(fitting, _SMALL[-1]), only=None)
    return Sizes(1, 1, (own[1], own[2]))


def _without_weights(name: str, options: dict[str, Any]) -> TimmEncoder:
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        try:
            return TimmEncoder(name, **options, dynamic_img_size=True).eval()
        except SettingsError:  # most networks have no such option
            return TimmEncoder(name, **options).eval()


def over_all(depth: int) -> tuple[int, ...]:
    """Return the indices of four blocks; of 12 blocks the 4th, 6th, 8th and 12th, as in BEiT."""
    return tuple(depth * twelfths // 12 - 1 for twelfths in (4, 6, 8, 12))


@torch.no_grad()
def _takes(network: nn.Module, size: tuple[int, int], multiple: int) -> bool:
    padded = (side + -side % multiple for side in size)
    try:
        network(torch.empty(1, 3, *padded, device="meta"))
    except (AssertionError, RuntimeError):
        return False
    return True
