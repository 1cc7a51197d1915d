"""The augmentation that a trial's settings choose: a preset, a pipeline, or the user's own."""

from typing import Protocol

from searchctl.trainer.data.augment.building import built_pipeline
from searchctl.trainer.data.augment.pipeline import ChangeAugmenter, change_of
from searchctl.trainer.data.augment.presets import PresetAugmenter
from searchctl.trainer.data.resizing import Size
from searchctl.trainer.data.sets.base import Image, Label
from searchctl.trainer.settings import catalog
from searchctl.trainer.settings.source.own import Augment, OwnOptions


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
        SettingsError: a transform of a pipeline refuses its arguments, or the user's own code
            cannot be imported or built.
    """
    if isinstance(augment, str):
        preset = catalog.load(catalog.AUGMENTATIONS, augment)
        return PresetAugmenter(preset, size, ignore_index)
    if isinstance(augment, OwnOptions):
        # it imports torch, which reading data does without
        from searchctl.trainer.data.augment.own import own_change

        change = own_change(augment, size, ignore_index)
    else:
        change = change_of(built_pipeline(augment, ignore_index))
    return ChangeAugmenter(change, size, ignore_index)


def cuts_source(augment: Augment) -> bool:
    """Does it cut its crops from the images at their own size, not at the training size?"""
    if not isinstance(augment, str):
        return False
    return catalog.load(catalog.AUGMENTATIONS, augment).window is not None
