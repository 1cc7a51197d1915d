"""Random changes to the training images, by albumentations; each gives images of the size it got.

Every function takes (height, width, ignore_index) of the training images and returns the pipeline,
or None for no change. Masks are never interpolated, and what lies outside of an image is ignored.
albumentations is imported where it is needed: it costs seconds, and `none` does without.
"""

import random
from typing import Any

import numpy as np

from trainer.seeds import derive_seed


def none(height: int, width: int, ignore_index: int) -> None:
    """Leave the images as they are."""
    return None


def flips(height: int, width: int, ignore_index: int) -> Any:
    """Mirror left-right and upside down, each at 0.5: for pictures without an up, as from above."""
    import albumentations as A

    return A.Compose([A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)])


def flip_crop(height: int, width: int, ignore_index: int) -> Any:
    """Mirror left-right at 0.5; cut out half to all of the area and stretch it to the full size."""
    import albumentations as A
    import cv2

    return A.Compose(
        [
            A.HorizontalFlip(p=0.5),
            A.RandomResizedCrop(
                (height, width), scale=(0.5, 1.0), mask_interpolation=cv2.INTER_NEAREST
            ),
        ]
    )


def scale_crop_jitter(height: int, width: int, ignore_index: int) -> Any:
    """Scale by 0.5 to 2, crop or pad back to size, mirror left-right at 0.5, jitter the colours."""
    import albumentations as A
    import cv2

    return A.Compose(
        [
            A.RandomScale((-0.5, 1.0), p=1.0, mask_interpolation=cv2.INTER_NEAREST),
            A.PadIfNeeded(height, width, fill=0, fill_mask=ignore_index),
            A.RandomCrop(height, width),
            A.HorizontalFlip(p=0.5),
            A.ColorJitter(brightness=0.25, contrast=0.25, saturation=0.25, hue=0.05, p=0.8),
        ]
    )


def reseed(pipeline: Any, seed: int, rung: int, epoch: int, name: str) -> None:
    """Make the pipeline's next draw a function of the image and the epoch, not of what came before.

    Without this, loader workers repeat each other's draws, and a resumed run differs. The steps of
    a pipeline share the two generators: `set_random_seed` would give each step its own of the SAME
    seed, and an image would be mirrored left-right just when it is mirrored upside down.
    """
    drawn = derive_seed(seed, "augment", rung, epoch, name)
    pipeline.set_random_state(np.random.default_rng(drawn), random.Random(drawn))
