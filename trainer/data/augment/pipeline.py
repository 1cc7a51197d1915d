"""Changes training images by what is not ours: pipelines of albumentations, and callables."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.data.augment.building import failed_transform
from searchctl.trainer.data.augment.placing import drawn_place, placed
from searchctl.trainer.data.files.raster import mask_missing
from searchctl.trainer.data.resizing import Size
from searchctl.trainer.data.sets.base import Image, Label
from searchctl.trainer.own_code.calls import of_the_machine, own_lines

Change = Callable[[Image, Label | None, np.random.Generator, random.Random], tuple[Image, Label]]
"""Takes an image [H, W, C], its mask [H, W] (None in classification) and generators to draw from;
returns both changed, at any size."""


class ChangeAugmenter:
    """Changes images by a `Change`; not to be used by two threads at once.

    It sees images at the training size. What it returns at another size is cropped or padded to the
    training size at a random place.

    Args:
        change: what is applied.
        size: height and width of the training images.
        ignore_index: label value of what lies beyond an image.
    """

    def __init__(self, change: Change, size: Size, ignore_index: int) -> None:
        self._change = change
        self._size = size
        self._ignore_index = ignore_index

    def changed(self, image: Image, label: Label, *seed: int | str) -> tuple[Image, Label]:
        """Return an image and its label as they are trained on, at the training size.

        Args:
            image: [height, width, channels].
            label: [height, width]; [1, 1] is the class of the whole image, and stays.
            seed: what all draws are a function of.

        Raises:
            SettingsError: the change fails on this image, or makes another type of numbers or
                another number of channels.
        """
        drawn = derive_seed(*seed)
        rng = random.Random(drawn)
        of_pixels = label.shape != (1, 1)
        # copies: some transforms write into what they are given
        mask = label.copy() if of_pixels else None
        found, mask = self._change(image.copy(), mask, np.random.default_rng(drawn), rng)
        seen = _like(image, found)
        place = drawn_place(seen.shape, self._size, rng)
        seen = placed(seen, place, self._size, np.nan if seen.dtype.kind == "f" else 0)
        if of_pixels:
            label = placed(_mask_like(label, mask, found), place, self._size, self._ignore_index)
            label = mask_missing(seen, label, self._ignore_index)
        return seen, label


def change_of(compose: Any) -> Change:
    """Return what a pipeline of albumentations does, all draws from the given generators."""

    def change(
        image: Image, mask: Label | None, numbers: np.random.Generator, rng: random.Random
    ) -> tuple[Image, Label]:
        compose.set_random_state(numbers, rng)
        try:
            found = compose(image=image) if mask is None else compose(image=image, mask=mask)
        except Exception as error:
            if of_the_machine(error):
                raise
            message = f"augment: {failed_transform(error)} fails on an image: {own_lines(error)}"
            raise SettingsError(message) from error
        return found["image"], found.get("mask")

    return change


def _like(image: Image, found: Image) -> Image:
    """Return a changed image, with a last dimension for a single channel.

    Raises:
        SettingsError: it has another type, or another number of channels.
    """
    channels, made = image.shape[2], 1 if found.ndim == 2 else found.shape[2]
    if (made, found.dtype) != (channels, image.dtype):
        raise SettingsError(
            f"augment: it makes {made} channels of {found.dtype} of an image with {channels} of "
            f"{image.dtype}: leave the transform out that does this"
        )
    return found.reshape(*found.shape[:2], channels)


def _mask_like(label: Label, mask: Label, image: Image) -> Label:
    """Return a changed mask.

    Raises:
        SettingsError: it has another type, or another size than the image.
    """
    if mask.dtype != label.dtype or mask.shape != image.shape[:2]:
        raise SettingsError(
            f"augment: it makes a mask {list(mask.shape)} of {mask.dtype} beside an image "
            f"{list(image.shape)}: return a mask [height, width] of {label.dtype}"
        )
    return mask
