"""Which images a job trains and scores on: views into the decoded cache; torch-free."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from searchctl.trainer.core.array_views import ArrayStack, ArrayViews
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.cache.entry import EMPTY_ENTRY, Entry
from searchctl.trainer.data.cache.name import Need, book_name
from searchctl.trainer.data.cache.order import stored_order
from searchctl.trainer.data.cache.store import (
    Cache,
    OnProgress,
    cache_directory,
    ignore_progress,
)
from searchctl.trainer.data.checks.book import Book
from searchctl.trainer.data.checks.check import OnImage, check_data
from searchctl.trainer.data.checks.report import DataReport
from searchctl.trainer.data.checks.tiles import tile_counts, tile_warnings
from searchctl.trainer.data.normalisation import IMAGENET, Normalisation, kept_measured
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.sets.files import SPLITS
from searchctl.trainer.data.sets.tiles import Tiles
from searchctl.trainer.data.settings import DataSettings, Sample, Split
from searchctl.trainer.data.settings.raster import RasterData
from searchctl.trainer.settings import catalog


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

    def trained_pixels(self, augment: str) -> npt.NDArray[np.int64]:
        """Return how many pixels of each class each image has, as it is trained on.

        An augmentation that crops sees labels at their own size, and a class may vanish from those
        at the training size.

        Args:
            augment: name of the augmentation.

        Returns:
            [images, classes].

        Raises:
            DataError: as `load_split` does.
        """
        if catalog.load(catalog.AUGMENTATIONS, augment).window is None:
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
        return {split: _cache(self.data).entry(Need(split, "source")) for split in splits}


@lru_cache(maxsize=4)
def build_dataset(data: DataSettings) -> Dataset:
    """Return the data set that the settings describe, one object for all callers."""
    return open_dataset(data)


def open_dataset(data: DataSettings) -> Dataset:
    """Return a new object for the data set, in tiles if the settings ask for them."""
    dataset: Dataset = catalog.load(catalog.DATASETS, data.dataset)(data)
    if isinstance(data, RasterData) and data.tile is not None:
        return Tiles(dataset, data.tile, data.tile_overlap)
    return dataset


def forget_listing() -> None:
    """Forget what this process has seen of all data sets: their files may be others now."""
    for remembered in (build_dataset, load_split, sample_order, normalisation_of, _cache, _book):
        remembered.cache_clear()
    for fingerprint in (data_fingerprint, listing_fingerprint):
        fingerprint.cache_clear()


def decode_ahead(
    data: DataSettings,
    augments: Iterable[str],
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
    pipelines = [catalog.load(catalog.AUGMENTATIONS, name) for name in augments]
    crops = any(pipeline.window is not None for pipeline in pipelines)
    trained: list[Split] = ["train", "val"] if whole == "train+val" else ["train"]
    needs = [Need(split, "exact") for split in SPLITS]
    needs += [Need(split, "source") for split in trained if crops]
    dataset = build_dataset(data)
    _cache(data).build([need for need in needs if dataset.names(need.split)], tell)


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
    entry = _cache(data).entry(Need(split, "exact")) if names else EMPTY_ENTRY
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
    entry = _cache(data).path(Need("train", "exact"))
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
    entry = _cache(data).path(Need("train", "exact"))
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


def sample_hash(names: Iterable[str]) -> str:
    """Return a fingerprint of the names and their order: 16 hexadecimal digits."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


@lru_cache(maxsize=4)
def data_fingerprint(data: DataSettings) -> str:
    """Return a fingerprint of the contents of all files and their names below the data set's root.

    It is 'content-' and 16 hexadecimal digits. Moved or copied data have the same one. What the
    decoding has seen is not read again.

    Raises:
        DataError: a file is missing.
    """
    dataset, book = _of_whole_images(data), _book(data)
    with _missing_named(dataset):
        files = [
            f"{split}/{name} {' '.join(book.hashes(split, index))}"
            for split in SPLITS
            for index, name in enumerate(dataset.names(split))
        ]
        book.save()
        drawn = () if dataset.root else dataset.fingerprint_parts()
    return f"content-{sample_hash([*sorted(files), *drawn])}"


@lru_cache(maxsize=4)
def listing_fingerprint(data: DataSettings) -> str:
    """Return a fingerprint of the names and sizes of all files: 16 hexadecimal digits.

    It reads no file, so that every node of a cluster can compare it before the first job.

    Raises:
        DataError: a file is missing.
    """
    dataset = build_dataset(data)
    with _missing_named(dataset):
        return sample_hash(dataset.fingerprint_parts())


def same_data(data: DataSettings, fingerprint: str) -> bool:
    """Return whether the data set is the one that had a fingerprint.

    Sweeps of version 0.1 have that of names and sizes.

    Raises:
        DataError: a file is missing.
    """
    of_content = fingerprint.startswith("content-")
    return fingerprint == (data_fingerprint(data) if of_content else listing_fingerprint(data))


def checked_data(data: DataSettings, on_image: OnImage = ignore_progress) -> DataReport:
    """Check a whole data set; what the decoding has seen is not decoded again.

    Args:
        data: settings of the data set.
        on_image: called with (done, all) after each image.
    """
    report = check_data(_of_whole_images(data), on_image, _book(data))
    if not isinstance(data, RasterData) or data.tile is None:
        return report
    return replace(
        report,
        warnings=(*report.warnings, *tile_warnings(report.splits, data.tile)),
        tiles=tile_counts(report.splits, data.tile, data.tile_overlap),
    )


@contextmanager
def _missing_named(dataset: Dataset) -> Iterator[None]:
    """Name every file that is missing when one is."""
    try:
        yield
    except OSError as error:
        dataset.check()
        raise DataError(f"{error.filename}: {error.strerror}") from error


@lru_cache(maxsize=4)
def _book(data: DataSettings) -> Book:
    path = cache_directory(data) / book_name(data)
    return Book(_of_whole_images(data), data.image_size, path)


@lru_cache(maxsize=4)
def _cache(data: DataSettings) -> Cache:
    dataset = build_dataset(data)
    # the book knows whole files, and a tile is a part of one
    return Cache(data, dataset, None if isinstance(dataset, Tiles) else _book(data))


def _of_whole_images(data: DataSettings) -> Dataset:
    """Return the data set without tiles: what its files hold."""
    dataset = build_dataset(data)
    return dataset.whole if isinstance(dataset, Tiles) else dataset
