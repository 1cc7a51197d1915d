"""Presets of random changes to the training images: what each draws for an image, and does to it.

All numbers are drawn from one generator, which is a function of (seed, images of the sample, epoch,
image). Masks are never interpolated, and what lies beyond an image is ignored.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.data.crop import Window, cut_image, cut_label
from searchctl.trainer.data.files.raster import mask_missing
from searchctl.trainer.data.resizing import Size
from searchctl.trainer.data.sets.base import Image, Label

Random = random.Random
_MOST_STRETCHED = math.log(4 / 3)


@dataclass(frozen=True)
class Augmentation:
    """What is changed at random; nothing by default."""

    window: Callable[[Random], Window] | None = None
    """Draws the part of the image that is seen; all of it if None."""
    left_right: bool = False
    """Whether images are mirrored left-right, at 0.5."""
    upside_down: bool = False
    """Whether images are mirrored upside down, at 0.5."""
    jitter: bool = False
    """Whether colours are jittered."""


def crop_of_half_or_more(rng: Random) -> Window:
    """Draw half to all of the area, up to a third wider or higher than the image's own shape."""
    area = rng.uniform(0.5, 1.0)
    most = min(_MOST_STRETCHED, -math.log(area))  # a side is no longer than the image's
    stretch = math.exp(rng.uniform(-most, most))
    return _somewhere(rng, math.sqrt(area * stretch), math.sqrt(area / stretch))


def scaled_by_half_to_two(rng: Random) -> Window:
    """Draw a scale of 0.5 to 2: a window of twice to half the image's height and width."""
    extent = 1 / rng.uniform(0.5, 2.0)
    return _somewhere(rng, extent, extent)


none = Augmentation()
"""Leave the images as they are."""
flips = Augmentation(left_right=True, upside_down=True)
"""Mirror left-right and upside down, each at 0.5: for pictures without an up, as from above."""
flip_crop = Augmentation(crop_of_half_or_more, left_right=True)
"""Mirror left-right at 0.5; cut out half to all of the area and stretch it to the full size."""
scale_crop_jitter = Augmentation(scaled_by_half_to_two, left_right=True, jitter=True)
"""Scale by 0.5 to 2, crop or pad back to size, mirror left-right at 0.5, jitter the colours."""


class PresetAugmenter:
    """Changes images by a preset; not to be used by two threads at once.

    Args:
        augmentation: the preset.
        size: height and width of the training images.
        ignore_index: label value of what lies beyond an image.
    """

    def __init__(self, augmentation: Augmentation, size: Size, ignore_index: int) -> None:
        self._augmentation = augmentation
        self._size = size
        self._ignore_index = ignore_index
        self._colours = _colour_jitter() if augmentation.jitter else None

    def changed(self, image: Image, label: Label, *seed: int | str) -> tuple[Image, Label]:
        """Return an image and its label as they are trained on, at the training size.

        Args:
            image: [height, width, channels]; of any size if a window of it is drawn.
            label: [height, width]; [1, 1] is the class of the whole image, and stays.
            seed: what all draws are a function of.
        """
        if self._augmentation is none:
            return image, label
        drawn = derive_seed(*seed)
        rng = random.Random(drawn)
        of_pixels = label.shape != (1, 1)
        if self._augmentation.window is not None:
            window = self._augmentation.window(rng)
            image = cut_image(image, window, self._size)
            if of_pixels:
                label = cut_label(label, window, self._size, self._ignore_index)
        flip = self._flip(rng)
        if flip is not None:
            image = cv2.flip(image, flip).reshape(image.shape)  # OpenCV drops a single channel
            label = cv2.flip(label, flip) if of_pixels else label
        if of_pixels:
            label = mask_missing(image, label, self._ignore_index)
        if self._colours is not None:
            self._colours.set_random_state(np.random.default_rng(drawn), rng)
            image = self._colours(image=image)["image"]
        return image, label

    def _flip(self, rng: Random) -> int | None:
        """Draw which way an image is mirrored, in OpenCV's code; None for not at all."""
        left_right = self._augmentation.left_right and rng.random() < 0.5
        upside_down = self._augmentation.upside_down and rng.random() < 0.5
        return {(True, False): 1, (False, True): 0, (True, True): -1}.get((left_right, upside_down))


def _somewhere(rng: Random, height: float, width: float) -> Window:
    """Place a window: a small one anywhere in the image, the image anywhere in a large one."""
    return Window((1 - height) * rng.random(), (1 - width) * rng.random(), height, width)


def _colour_jitter() -> Any:
    import albumentations as A  # it costs seconds, and the others do without

    return A.ColorJitter(brightness=0.25, contrast=0.25, saturation=0.25, hue=0.05, p=0.8)
