"""Changes training images by a pipeline of albumentations."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.data.augment.building import built_pipeline, failed_transform
from searchctl.trainer.data.augment.placing import drawn_place, placed
from searchctl.trainer.data.files.raster import mask_missing
from searchctl.trainer.data.resizing import Size
from searchctl.trainer.data.sets.base import Image, Label


class PipelineAugmenter:
    """Changes images by a pipeline; not to be used by two threads at once.

    The pipeline sees images at the training size. What it returns at another size is cropped or
    padded to the training size at a random place.

    Args:
        pipeline: a valid pipeline.
        size: height and width of the training images.
        ignore_index: label value of what lies beyond an image.

    Raises:
        SettingsError: a transform refuses its arguments; it is named.
    """

    def __init__(self, pipeline: Mapping[str, Any], size: Size, ignore_index: int) -> None:
        self._compose = built_pipeline(pipeline, ignore_index)
        self._size = size
        self._ignore_index = ignore_index

    def changed(self, image: Image, label: Label, *seed: int | str) -> tuple[Image, Label]:
        """Return an image and its label as they are trained on, at the training size.

        Args:
            image: [height, width, channels].
            label: [height, width]; [1, 1] is the class of the whole image, and stays.
            seed: what all draws are a function of.

        Raises:
            SettingsError: a transform fails on this image, or the pipeline changes the type of its
                numbers or its number of channels.
        """
        drawn = derive_seed(*seed)
        rng = random.Random(drawn)
        self._compose.set_random_state(np.random.default_rng(drawn), rng)
        of_pixels = label.shape != (1, 1)
        # copies: some transforms write into what they are given
        given = {"image": image.copy(), **({"mask": label.copy()} if of_pixels else {})}
        found = self._applied(given)
        seen = _like(image, found["image"])
        place = drawn_place(seen.shape, self._size, rng)
        seen = placed(seen, place, self._size, np.nan if seen.dtype.kind == "f" else 0)
        if of_pixels:
            label = placed(found["mask"], place, self._size, self._ignore_index)
            label = mask_missing(seen, label, self._ignore_index)
        return seen, label

    def _applied(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            found: Mapping[str, Any] = self._compose(**given)
        except Exception as error:
            message = f"augment: {failed_transform(error)} fails on an image: {error}"
            raise SettingsError(message) from error
        return found


def _like(image: Image, found: Image) -> Image:
    """Return what a pipeline made of an image, with a last dimension for a single channel.

    Raises:
        SettingsError: it has another type, or another number of channels.
    """
    channels, made = image.shape[2], 1 if found.ndim == 2 else found.shape[2]
    if (made, found.dtype) != (channels, image.dtype):
        raise SettingsError(
            f"augment: the pipeline makes {made} channels of {found.dtype} of an image with "
            f"{channels} of {image.dtype}: leave the transform out that does this"
        )
    return found.reshape(*found.shape[:2], channels)
