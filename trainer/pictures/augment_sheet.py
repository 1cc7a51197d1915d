"""A contact sheet of augmented training images: for each image, itself and several draws."""

from collections.abc import Mapping

from PIL import Image as Picture

from searchctl.trainer.data.augment.trying import Tried, try_augment
from searchctl.trainer.data.samples import LoadedSplit
from searchctl.trainer.pictures.contact_sheet import COLUMNS, Example, contact_sheet
from searchctl.trainer.settings.source.own import Augment

_IMAGES = 3


def augment_sheet(split: LoadedSplit, augments: Mapping[str, Augment], seed: int) -> Picture.Image:
    """Return a sheet with a row for each image and augmentation; labels are drawn below images.

    Args:
        split: the training images.
        augments: heading -> augmentation.
        seed: the sweep's; draws are those of the first epochs on all of the data.

    Raises:
        SettingsError: an augmentation fails; the transform is named.
    """
    sections = []
    for heading, augment in augments.items():
        tried = try_augment(split, augment, seed=seed, images=_IMAGES, draws=COLUMNS - 1)
        sections.append((heading, [each for one in tried for each in _examples(one)]))
    title = f"{split.data.dataset}: augmented training images"
    return contact_sheet(split.dataset, title, sections)


def _examples(tried: Tried) -> list[Example]:
    drawn = (
        Example(f"epoch {epoch}", image, label)
        for epoch, (image, label) in enumerate(tried.draws, start=1)
    )
    return [Example(tried.name, tried.image, tried.label), *drawn]
