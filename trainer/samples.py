"""Which images a job trains and scores on, decoded and resized once per process; torch-free."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from trainer import catalog
from trainer.data_settings import DataSettings, Sample, Split
from trainer.datasets.base import Dataset, Image, Label
from trainer.errors import DataError
from trainer.subset import nested_order

# OpenCV's thread pool does not survive the fork into a loader's workers: they would wait forever
cv2.setNumThreads(0)


@dataclass(frozen=True, eq=False)
class LoadedSplit:
    """Images of one split at the training size, in memory."""

    dataset: Dataset
    split: Split | Literal["train+val"]
    names: tuple[str, ...]
    images: npt.NDArray[np.uint8]
    """[images, height, width, 3] RGB."""
    labels: npt.NDArray[np.uint8]
    """[images, height, width] class ids or the data set's ignore_index."""
    indices: tuple[int, ...]
    """Position of each image in its split of the data set."""

    def take(self, indices: Sequence[int]) -> "LoadedSplit":
        """Return these images only, in this order; `indices` count within this object."""
        chosen = list(indices)
        return LoadedSplit(
            self.dataset,
            self.split,
            tuple(self.names[i] for i in chosen),
            self.images[chosen],
            self.labels[chosen],
            tuple(self.indices[i] for i in chosen),
        )


@lru_cache(maxsize=4)
def build_dataset(data: DataSettings) -> Dataset:
    """Return the data set that the settings describe; looks at no file yet."""
    dataset: Dataset = catalog.load(catalog.DATASETS, data.dataset)(data)
    return dataset


@lru_cache(maxsize=4)
def load_split(data: DataSettings, split: Split) -> LoadedSplit:
    """Check the data set, then decode a whole split at `data.image_size`.

    Everything is held in memory, 4 bytes a pixel: CamVid's training split takes 250 MB at
    360x480, Cityscapes' would take 25 GB at its full size.

    Raises:
        DataError: a pair is missing, unreadable or does not fit, a mask holds an unknown class id,
            or there is nothing to train or score on; every such path is named.
    """
    dataset = _checked(data)
    names = dataset.names(split)
    if not names and split != "test":
        raise DataError(f"the {split} split of {data.dataset} holds no images")
    height, width = data.image_size
    images = np.empty((len(names), height, width, 3), dtype=np.uint8)
    labels = np.empty((len(names), height, width), dtype=np.uint8)
    _decode(dataset, split, images, labels)
    return LoadedSplit(dataset, split, names, images, labels, tuple(range(len(names))))


@lru_cache(maxsize=16)
def sample_order(data: DataSettings, seed: int) -> tuple[int, ...]:
    """Return the one order of the training split whose prefixes are the samples of all rungs."""
    split = load_split(data, "train")
    pixels = np.array([np.bincount(label.ravel(), minlength=256) for label in split.labels])
    return nested_order(pixels[:, : len(split.dataset.class_names)], seed)


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
        chosen.dataset,
        "train+val",
        chosen.names + val.names,
        np.concatenate([chosen.images, val.images]),
        np.concatenate([chosen.labels, val.labels]),
        chosen.indices + val.indices,
    )


def sample_hash(names: Iterable[str]) -> str:
    """Return a fingerprint of the names and their order: 16 hexadecimal digits."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


@lru_cache(maxsize=4)
def data_fingerprint(data: DataSettings) -> str:
    """Return a fingerprint of the names and sizes of all files: 16 hexadecimal digits.

    Raises:
        DataError: a pair is missing, unreadable or does not fit.
    """
    return sample_hash(_checked(data).fingerprint_parts())


@lru_cache(maxsize=4)
def _checked(data: DataSettings) -> Dataset:
    dataset = build_dataset(data)
    dataset.check()
    return dataset


def _decode(
    dataset: Dataset,
    split: Split,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
) -> None:
    """Fill the arrays, and name every image that cannot be decoded, not the first alone."""
    problems = []
    for index in range(len(images)):
        try:
            image, label = dataset.load(split, index)
        except DataError as error:
            problems.append(str(error))
            continue
        images[index], labels[index] = _resized(image, label, *labels.shape[1:])
    if problems:
        raise DataError("\n".join(problems))
    if len(labels) and (labels == dataset.ignore_index).all():
        raise DataError(f"no mask of the {split} split holds any pixel of a class")


def _resized(image: Image, label: Label, height: int, width: int) -> tuple[Image, Label]:
    if label.shape == (height, width):
        return image, label
    shrinks = height <= label.shape[0] and width <= label.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    # _EXACT takes the pixel at the centre, as the image's resizing does; plain NEAREST is shifted
    return (
        cv2.resize(image, (width, height), interpolation=method),
        cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST_EXACT),
    )
