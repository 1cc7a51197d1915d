"""Applies an augmentation to a few training images before any trial needs it."""

from typing import NamedTuple

import numpy as np

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.data.augment.chosen import augmenter, cuts_source
from searchctl.trainer.data.samples import LoadedSplit
from searchctl.trainer.data.sets.base import Image, Label
from searchctl.trainer.settings.source.own import Augment


class Tried(NamedTuple):
    """A training image, and what an augmentation makes of it."""

    name: str
    image: Image
    label: Label
    draws: tuple[tuple[Image, Label], ...]


def try_augment(
    split: LoadedSplit, augment: Augment, *, seed: int, images: int = 3, draws: int = 3
) -> list[Tried]:
    """Return images, spread evenly over a split, as the first epochs on all of the data see them.

    Args:
        split: the training images.
        augment: the augmentation.
        seed: the sweep's.
        images: number of images.
        draws: number of epochs.

    Raises:
        SettingsError: a transform refuses its arguments or fails on an image, or makes labels that
            the data set does not have.
    """
    height, width = split.images.shape[1:3]
    used = augmenter(augment, (height, width), split.dataset.ignore_index)
    sources = split.sources() if cuts_source(augment) else (split.images, split.labels)
    count = min(images, len(split.names))
    tried = []
    for index in (len(split.names) * (2 * each + 1) // (2 * count) for each in range(count)):
        pair = sources[0][index], sources[1][index]
        name, drawn = split.names[index], (seed, "augment", len(split.names))
        changed = tuple(used.changed(*pair, *drawn, epoch + 1, name) for epoch in range(draws))
        for _, label in changed:
            _check_labels(split, label)
        tried.append(Tried(name, split.images[index], split.labels[index], changed))
    return tried


def _check_labels(split: LoadedSplit, label: Label) -> None:
    known = {*range(len(split.dataset.class_names)), split.dataset.ignore_index}
    if unknown := set(np.unique(label).tolist()) - known:
        raise SettingsError(
            f"augment: the pipeline makes labels {sorted(unknown)}, which are no classes: leave "
            "out its fill_mask, or take one that fills with a class"
        )
