"""Which images a job trains and scores on: views into the decoded cache; torch-free."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from searchctl.trainer.core.array_views import ArrayStack, ArrayViews
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.augment.chosen import cuts_source
from searchctl.trainer.data.cache.entry import EMPTY_ENTRY, Entry
from searchctl.trainer.data.cache.name import Need
from searchctl.trainer.data.cache.order import stored_order
from searchctl.trainer.data.cache.store import OnProgress, ignore_progress
from searchctl.trainer.data.fingerprints import data_fingerprint, listing_fingerprint
from searchctl.trainer.data.normalisation import IMAGENET, Normalisation, kept_measured
from searchctl.trainer.data.opening import book_of, build_dataset, cache_of
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.sets.files import SPLITS
from searchctl.trainer.data.sets.folders.lists import nested_line_order
from searchctl.trainer.data.settings import DataSettings, ListsData, Sample, Split
from searchctl.trainer.data.settings.raster import RasterData
from searchctl.trainer.own_code.imports import forget_with_code
from searchctl.trainer.settings.source.own import Augment


@dataclass(frozen=True, eq=False)
class LoadedSplit:
    """Images of one split at the training size; they stay in memory-mapped files until read."""

    data: DataSettings
    dataset: Dataset
    split: Split | Literal["train+val"]
    names: tuple[str, ...]
    images: ArrayStack
    """[images, height, width, channels]."""
    labels: ArrayStack
    """[images, height, width] class ids or the data set's ignore_index; [images, 1, 1] in
    classification."""
    pixels: npt.NDArray[np.int64]
    """[images, 256] how many pixels of each label value each image has."""
    origins: tuple[tuple[Split, int], ...]
    """Split of the data set, and position in it, of each image."""

    @property
    def indices(self) -> tuple[int, ...]:
        """Position of each image in its split of the data set."""
        return tuple(index for _, index in self.origins)

    @property
    def class_pixels(self) -> npt.NDArray[np.int64]:
        """How many pixels of each class each image has: [images, classes]."""
        return self.pixels[:, : len(self.dataset.class_names)]

    def take(self, indices: Iterable[int]) -> "LoadedSplit":
        """Return these images only, in this order; `indices` count within this object."""
        chosen = list(indices)
        return LoadedSplit(
            self.data,
            self.dataset,
            self.split,
            tuple(self.names[i] for i in chosen),
            self.images.take(chosen),
            self.labels.take(chosen),
            self.pixels[chosen],
            tuple(self.origins[i] for i in chosen),
        )

    def trained_pixels(self, augment: Augment) -> npt.NDArray[np.int64]:
        """Return how many pixels of each class each image has, as it is trained on.

        An augmentation that crops sees labels at their own size, and a class may vanish from those
        at the training size.

        Args:
            augment: the augmentation.

        Returns:
            [images, classes].

        Raises:
            DataError: as `load_split` does.
        """
        if not cuts_source(augment):
            return self.class_pixels
        entries = self._sources()
        rows = [entries[split].pixels[index] for split, index in self.origins]
        return np.array(rows, dtype=np.int64)[:, : len(self.dataset.class_names)]

    def sources(self) -> tuple[ArrayViews, ArrayViews]:
        """Return the same images and labels, each at its own size or `data.cache_size`.

        Raises:
            DataError: as `load_split` does.
        """
        entries = self._sources()
        return (
            ArrayViews((entries[split].images, index) for split, index in self.origins),
            ArrayViews((entries[split].labels, index) for split, index in self.origins),
        )

    def _sources(self) -> dict[Split, Entry]:
        splits = dict.fromkeys(split for split, _ in self.origins)
        return {split: cache_of(self.data).entry(Need(split, "source")) for split in splits}


@forget_with_code
def forget_listing() -> None:
    """Forget what this process has seen of all data sets: files, or readers, may be others now."""
    for seen in (build_dataset, cache_of, book_of, data_fingerprint, listing_fingerprint):
        seen.cache_clear()
    for made in (load_split, sample_order, normalisation_of):
        made.cache_clear()


def decode_ahead(
    data: DataSettings,
    augments: Iterable[Augment],
    *,
    whole: str = "train",
    tell: OnProgress = ignore_progress,
) -> None:
    """Decode now all that trials will need of the data set, unless it is in the cache.

    Args:
        data: settings of the data set.
        augments: augmentations of the trials; some cut windows from images of original size.
        whole: 'train', or 'train+val' where the validation images are trained on too.
        tell: called with the progress; may raise to end the decoding.

    Raises:
        DataError: as `load_split` does.
    """
    if isinstance(data, ListsData):
        return  # only the script reads its samples
    crops = any(map(cuts_source, augments))
    trained: list[Split] = ["train", "val"] if whole == "train+val" else ["train"]
    needs = [Need(split, "exact") for split in SPLITS]
    needs += [Need(split, "source") for split in trained if crops]
    dataset = build_dataset(data)
    cache_of(data).build([need for need in needs if dataset.names(need.split)], tell)


@lru_cache(maxsize=4)
def load_split(data: DataSettings, split: Split) -> LoadedSplit:
    """Return a whole split at `data.image_size`; it is checked and decoded if it was never before.

    Raises:
        DataError: a pair is missing, unreadable or does not fit, a mask holds an unknown class id,
            or there is nothing to train or score on; every such path is named. Or the cache has no
            room.
    """
    dataset = build_dataset(data)
    names = dataset.names(split)
    if not names and split != "test":
        raise DataError(f"the {split} split holds no images")
    places = range(len(names))
    entry = cache_of(data).entry(Need(split, "exact")) if names else EMPTY_ENTRY
    label_size = (1, 1) if data.task == "classification" else data.image_size
    return LoadedSplit(
        data,
        dataset,
        split,
        names,
        ArrayStack(
            ((entry.images, index) for index in places),
            (*data.image_size, data.channels),
            data.pixel_type,
        ),
        ArrayStack(((entry.labels, index) for index in places), label_size),
        entry.pixels,
        tuple((split, index) for index in places),
    )


@lru_cache(maxsize=16)
def sample_order(data: DataSettings, seed: int) -> tuple[int, ...]:
    """Return the one order of the training split whose prefixes are the samples of all rungs.

    Raises:
        DataError: as `load_split` does.
    """
    return order_ahead(data, seed)


def order_ahead(
    data: DataSettings, seed: int, tell: OnProgress = ignore_progress
) -> tuple[int, ...]:
    """Return the same; it is kept with the decoded images, so that later jobs only read it.

    Raises:
        DataError: as `load_split` does.
    """
    if isinstance(data, ListsData):
        return nested_line_order(len(build_dataset(data).names("train")), seed)
    entry = cache_of(data).path(Need("train", "exact"))
    return stored_order(entry, load_split(data, "train").class_pixels, seed, tell)


@lru_cache(maxsize=4)
def normalisation_of(data: DataSettings) -> Normalisation:
    """Return by what the images' channels are normalised: ImageNet's numbers for 8-bit RGB.

    Of rasters it is as the settings state, or measured on all training images, whatever the rung:
    networks of one sweep then see the same numbers at every rung.

    Raises:
        DataError: as `load_split` does.
    """
    if not isinstance(data, RasterData) or data.bands is None:
        return IMAGENET
    if data.band_mean is not None and data.band_std is not None:
        return Normalisation(data.band_mean, data.band_std)
    entry = cache_of(data).path(Need("train", "exact"))
    return kept_measured(entry, load_split(data, "train").images, data.channels)


def load_sample(sample: Sample) -> LoadedSplit:
    """Return a rung's training images, with the whole validation split after them for 'train+val'.

    Raises:
        DataError: as `load_split` does.
    """
    order = sample_order(sample.data, sample.seed)
    chosen = load_split(sample.data, "train").take(order[: sample.images])
    if sample.whole == "train":
        return chosen
    val = load_split(sample.data, "val")
    return LoadedSplit(
        chosen.data,
        chosen.dataset,
        "train+val",
        chosen.names + val.names,
        chosen.images + val.images,
        chosen.labels + val.labels,
        np.concatenate([chosen.pixels, val.pixels]),
        chosen.origins + val.origins,
    )
