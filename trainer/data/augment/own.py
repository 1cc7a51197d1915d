"""Augmentations of the user's own, by import path: a pipeline, a callable, or what makes one."""

import copy
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.data.augment.pipeline import Change, change_of
from searchctl.trainer.data.resizing import Size
from searchctl.trainer.data.sets.base import Image, Label
from searchctl.trainer.own_code.calls import (
    accepted,
    accepts,
    checked_call,
    import_object,
    own_errors,
    parameters_of,
)
from searchctl.trainer.settings.pipelines.transforms import transforms
from searchctl.trainer.settings.source.own import PAIR, OwnOptions

NUMBERS = "rng"
"""Parameter of such a callable that is given a NumPy generator to draw from."""


def own_change(options: OwnOptions, size: Size, ignore_index: int) -> Change:
    """Return what an own augmentation does, for one thread.

    The object is an `albumentations.Compose`; a callable (image, mask) -> (image, mask), with a
    parameter `rng` if it draws; or a class or function that returns one of these. The latter is
    called with the arguments of the settings, and `image_size` and `ignore_index` if it has
    parameters of these names.

    Raises:
        SettingsError: it cannot be imported or built, or is none of these.
    """
    target, args = import_object(options.where), options.args
    if not _is_pipeline(target) and not takes_pair(target):
        offers: dict[tuple[str, ...], object] = {
            ("image_size",): size,
            ("ignore_index",): ignore_index,
        }
        if not callable(target):
            raise SettingsError(f"{options.where} is {target!r}: {_FIX}")
        target = checked_call(options.where, target, **accepted(target, offers, args))
        args = {}
    if _is_pipeline(target):
        if args:
            raise SettingsError(f"{options.where} is a pipeline and takes no augment_args")
        own = copy.deepcopy(target)  # another thread may use the object
        _ignore_beyond(own, ignore_index)
        return change_of(own)
    if not takes_pair(target):
        raise SettingsError(f"{options.where} makes {type(target).__name__}: {_FIX}")
    return _called(options.where, target, args)


_FIX = "it must be an albumentations.Compose, or a callable (image, mask) -> (image, mask)"


def takes_pair(target: Any) -> bool:
    """Return whether the first parameters of an object are `image` and `mask`."""
    return callable(target) and tuple(parameters_of(target))[:2] == PAIR


def _is_pipeline(target: Any) -> bool:
    return hasattr(target, "set_random_state") and not isinstance(target, type)


def _ignore_beyond(transform: Any, ignore_index: int) -> None:
    """Give what lies beyond an image the ignored label, where a pipeline has the default 0."""
    known = transforms().get(type(transform).__name__)
    if known is not None and known.pads_mask and transform.fill_mask == 0:
        transform.fill_mask = ignore_index
    for inner in getattr(transform, "transforms", ()):
        _ignore_beyond(inner, ignore_index)


def _called(where: str, target: Callable[..., Any], args: Mapping[str, Any]) -> Change:
    call = partial(target, **args)
    draws = accepts(target, NUMBERS)

    def change(
        image: Image, mask: Label | None, numbers: np.random.Generator, rng: random.Random
    ) -> tuple[Image, Label]:
        with own_errors(where):
            found = call(image, mask, rng=numbers) if draws else call(image, mask)
        if not isinstance(found, tuple) or len(found) != 2:
            raise SettingsError(f"{where} returns {type(found).__name__}: return image, mask")
        return found

    return change
