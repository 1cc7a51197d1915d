"""The augmentation that a trial's settings choose: a preset by name, or a pipeline."""

from typing import Protocol

from searchctl.trainer.data.augment.pipeline import PipelineAugmenter
from searchctl.trainer.data.augment.presets import PresetAugmenter
from searchctl.trainer.data.resizing import Size
from searchctl.trainer.data.sets.base import Image, Label
from searchctl.trainer.settings import catalog
from searchctl.trainer.settings.pipelines.tree import Augment


class Augmenter(Protocol):
    """Changes one image after another; not to be used by two threads at once."""

    def changed(self, image: Image, label: Label, *seed: int | str) -> tuple[Image, Label]:
        """Return an image and its label as they are trained on, at the training size.

        Args:
            image: [height, width, channels].
            label: [height, width]; [1, 1] is the class of the whole image, and stays.
            seed: what all draws are a function of.
        """


def augmenter(augment: Augment, size: Size, ignore_index: int) -> Augmenter:
    """Return what changes the images of one thread.

    Args:
        augment: as a trial's settings have it.
        size: height and width of the training images.
        ignore_index: label value of what lies beyond an image.

    Raises:
        SettingsError: a transform of a pipeline refuses its arguments.
    """
    if isinstance(augment, str):
        preset = catalog.load(catalog.AUGMENTATIONS, augment)
        return PresetAugmenter(preset, size, ignore_index)
    return PipelineAugmenter(augment, size, ignore_index)


def cuts_source(augment: Augment) -> bool:
    """Does it cut its crops from the images at their own size, not at the training size?"""
    if not isinstance(augment, str):
        return False
    return catalog.load(catalog.AUGMENTATIONS, augment).window is not None
