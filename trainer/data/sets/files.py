"""Pairs of an image file and a mask file: found wanting by their headers, or read and decoded."""

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Picture

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.files.raster import mask_missing
from searchctl.trainer.data.files.readers import Reader, RgbReader
from searchctl.trainer.data.files.reading import (
    Traits,
    is_on_its_side,
    mask_size,
    opened_image,
    opened_mask,
    traits_of,
)
from searchctl.trainer.data.label_counts import value_counts
from searchctl.trainer.data.sets.base import Colour, Dataset, Image, Label, Reading, Seen
from searchctl.trainer.data.sets.listing import files_below
from searchctl.trainer.data.settings import Split

SPLITS: tuple[Split, ...] = ("train", "val", "test")
ValueTable = npt.NDArray[np.int16]
"""[256] the class id or ignore index of each mask value, or that it is refused."""
_REFUSED = -1


@dataclass(frozen=True)
class Pair:
    """One image and its mask."""

    name: str
    image: Path
    mask: Path
    group: str = ""
    """What it belongs to; empty for one that is alone."""


class PairedFiles(Dataset):
    """A data set of image and mask files; its subclasses say which, and how masks are decoded."""

    reader: Reader = RgbReader()
    """How the images are read."""
    _sizes: dict[Split, list[tuple[int, int]]] | None = None
    """Height and width of each image, once the headers were checked."""

    @abstractmethod
    def find_pairs(self) -> dict[Split, tuple[Pair, ...]]:
        """Look for the pairs of all splits, each in its fixed order; they need not exist.

        Raises:
            DataError: a needed list or directory is missing, empty or malformed.
        """

    @abstractmethod
    def decode(self, mask: Picture.Image) -> Label:
        """Turn an opened mask into class ids.

        Raises:
            DataError: the mask holds what it should not; without the path.
        """

    def strays(self, mask: Picture.Image, label: Label) -> tuple[Colour, ...]:
        """Return colours of a mask that mean nothing; none where such a mask is refused."""
        return ()

    def pairs(self, split: Split) -> tuple[Pair, ...]:
        """Return the split's pairs in their fixed order."""
        return self._pairs[split]

    @cached_property
    def _pairs(self) -> dict[Split, tuple[Pair, ...]]:
        return self.find_pairs()

    def names(self, split: Split) -> tuple[str, ...]:
        """Return the images' names in the order of `pairs`."""
        return self._names[split]

    @cached_property
    def _names(self) -> dict[Split, tuple[str, ...]]:
        return {split: tuple(pair.name for pair in self.pairs(split)) for split in SPLITS}

    def load(self, split: Split, index: int) -> tuple[Image, Label]:
        """Read a pair; EXIF rotation is not applied, since masks are drawn on the stored pixels."""
        image, label, _ = self.read(split, index)
        return image, label

    def read(self, split: Split, index: int) -> Reading:
        """Read a pair as `load` does, and note what else its files hold."""
        pair = self.pairs(split)[index]
        image, traits = self.reader.read(pair.image)
        with opened_mask(pair.mask) as picture:
            label, seen = self.decode(picture), _seen(picture, traits)
            seen = replace(seen, strays=self.strays(picture, label))
        if image.shape[:2] != label.shape:
            raise DataError(_mismatch(pair, image.shape[1::-1], label.shape[::-1]))
        return Reading(image, mask_missing(image, label, self.ignore_index), seen)

    def size(self, split: Split, index: int) -> tuple[int, int]:
        """Return an image's height and width, from its header."""
        if self._sizes is not None:
            return self._sizes[split][index]
        return self.reader.size(self.pairs(split)[index].image)

    def displayed(self, image: Image) -> Image:
        """Return an image as 8-bit RGB, for pictures."""
        return self.reader.displayed(image)

    def files_of(self, split: Split, index: int) -> tuple[Path, ...]:
        """Return the image and the mask."""
        pair = self.pairs(split)[index]
        return pair.image, pair.mask

    def unused(self) -> tuple[Path, ...]:
        """Return the files below the directory that are neither read nor hidden."""
        used = {path for split in SPLITS for path in self.files(split)}
        return files_below(self.root, used | {*self.listing_files()}) if self.root else ()

    def listing_files(self) -> tuple[Path, ...]:
        """Return the files that name the pairs: lists, tables."""
        return ()

    def check(self) -> None:
        """Check that every pair is there, opens and agrees in size, reading headers only.

        The headers of what fits are read once: the files of a data set are listed once, too.
        """
        if self._sizes is None:
            self._sizes = self._checked_sizes()

    def _checked_sizes(self) -> dict[Split, list[tuple[int, int]]]:
        """Return the height and width of each image.

        Raises:
            DataError: see `check`.
        """
        problems: dict[str, None] = {}
        sizes: dict[Split, list[tuple[int, int]]] = {split: [] for split in SPLITS}
        alike: dict[tuple[int, int], tuple[int, int]] = {}
        for split in SPLITS:
            for pair in self.pairs(split):
                size, found = _checked(pair, self.reader)
                sizes[split].append(alike.setdefault(size, size))
                problems.update(dict.fromkeys(found))
        if problems:
            raise DataError(*problems)
        return sizes

    def fingerprint_parts(self) -> tuple[str, ...]:
        """Return each pair's split and name with the sizes of both files in bytes."""
        return tuple(
            f"{split}/{pair.name} {pair.image.stat().st_size} {pair.mask.stat().st_size}"
            for split in SPLITS
            for pair in self.pairs(split)
        )


def decode_ids(mask: Picture.Image, table: ValueTable, allowed: str) -> Label:
    """Map the values of an index mask through a table that `id_table` or `value_table` made.

    Palette masks give their indices, never their colours.

    Raises:
        DataError: a value is not in the table, or the mask is a colour picture.
    """
    if len(mask.getbands()) > 1:
        raise DataError(
            f"a mask of class ids has one channel, this one is a picture of mode "
            f"{mask.mode}{_fix(mask)}"
        )
    values = np.asarray(mask)
    wrong = [v for v in _values(values) if not 0 <= v < len(table) or table[v] == _REFUSED]
    if wrong:
        listed = ", ".join(map(str, wrong[:8])) + (", ..." if len(wrong) > 8 else "")
        raise DataError(f"class id {listed} in a mask; allowed are {allowed}")
    label: Label = cv2.LUT(values.astype(np.uint8), table.astype(np.uint8))
    return label


def _fix(mask: Picture.Image) -> str:
    """Propose how a picture becomes a mask of class ids."""
    return (
        f"{_saved(mask)} (masks that are pictures: dataset: folder, with a colour for each class)"
    )


def _saved(mask: Picture.Image) -> str:
    """Return how the one channel that holds a mask is saved; nothing where there are several."""
    if mask.mode not in ("LA", "RGB", "RGBA"):
        return ""
    colours, opacity = mask.mode.removesuffix("A"), mask.mode.endswith("A")
    first, *others = (np.asarray(mask.getchannel(name)) for name in colours)
    if not all(np.array_equal(first, band) for band in others):
        return ""
    words, channel = "channels are equal: save one of them", "0"
    if opacity and first.min() == first.max():
        words, channel = "colour is one: save its opacity", "'A'"
    return f" whose {words}, `PIL.Image.open(IN).getchannel({channel}).save(OUT)`"


def _values(mask: npt.NDArray[Any]) -> list[int]:
    """Return the values that a mask holds, in their order."""
    if mask.dtype != np.uint8:  # of one bit, or of more than eight
        return [int(value) for value in np.unique(mask)]
    held: list[int] = np.flatnonzero(value_counts(mask)).tolist()
    return held


def id_table(classes: int, first: int, void: int, ignore_index: int) -> ValueTable:
    """Return the table of masks whose classes follow each other.

    Args:
        classes: how many classes there are.
        first: the mask value of class 0; the others follow it.
        void: the mask value that means `ignore_index`.
        ignore_index: the label value of pixels without a class.
    """
    return value_table({**{first + i: i for i in range(classes)}, void: ignore_index})


def value_table(meaning: Mapping[int, int]) -> ValueTable:
    """Return what each of the 256 mask values means; those that `meaning` lacks are refused.

    Args:
        meaning: mask value -> class id or ignore index.
    """
    table = np.full(256, _REFUSED, dtype=np.int16)
    table[list(meaning)] = list(meaning.values())
    return table


def _seen(mask: Picture.Image, image: Traits) -> Seen:
    traits = traits_of(mask)
    differ = image.orientation != traits.orientation
    turned, mask_turned = differ and image.orientation != 1, differ and image.orientation == 1
    seen = Seen(turned, image.see_through, mask_turned=mask_turned, pictures=image.pictures)
    if len(mask.getbands()) > 1:
        return replace(seen, mask_see_through=traits.see_through)
    values = _values(np.asarray(mask))
    palette = ((value, traits.palette[value]) for value in values if value < len(traits.palette))
    return replace(seen, values=tuple(values), palette=tuple(palette))


def _checked(pair: Pair, reader: Reader) -> tuple[tuple[int, int], list[str]]:
    """Return the height and width of an image, and what its and its mask's headers show."""
    sizes, problems = [], []
    for path, size_of in ((pair.image, reader.size), (pair.mask, mask_size)):
        try:
            sizes.append(size_of(path))
        except DataError as error:
            problems.append(str(error))
    if len(sizes) == 2 and sizes[0] != sizes[1]:
        problems.append(_mismatch(pair, *(size[::-1] for size in sizes)))
    return sizes[0] if sizes else (0, 0), problems


def _mismatch(pair: Pair, image: tuple[int, ...], mask: tuple[int, ...]) -> str:
    words = f"the mask is {mask[0]}x{mask[1]}, its image {pair.image} {image[0]}x{image[1]}"
    if image == mask[::-1] and _is_shown_turned(pair.image):
        words += (
            ": EXIF data turn the image where it is shown, and the mask is drawn on what is shown; "
            "save the image upright, without EXIF data"
        )
    return f"{pair.mask}: {words}"


def _is_shown_turned(path: Path) -> bool:
    with suppress(DataError), opened_image(path) as picture:  # rasters are not opened like this
        return is_on_its_side(picture)
    return False
