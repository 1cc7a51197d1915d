"""Pairs of an image file and a mask file: found wanting by their headers, or read and decoded."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture

from trainer.data_settings import Split
from trainer.datasets.base import Dataset, Image, Label
from trainer.errors import DataError

SPLITS: tuple[Split, ...] = ("train", "val", "test")
_REFUSED = -1
_UNREADABLE = (OSError, SyntaxError, ValueError, Picture.DecompressionBombError)
"""What Pillow raises on files that are missing, empty, truncated or no pictures at all."""


@dataclass(frozen=True)
class Pair:
    """One image and its mask."""

    name: str
    image: Path
    mask: Path


class PairedFiles(Dataset):
    """A data set of image and mask files; its subclasses say which, and how masks are decoded."""

    @abstractmethod
    def pairs(self, split: Split) -> tuple[Pair, ...]:
        """Return the split's pairs in their fixed order; they need not exist."""

    @abstractmethod
    def decode(self, mask: Picture.Image) -> Label:
        """Turn an opened mask into class ids.

        Raises:
            DataError: the mask holds what it should not; without the path.
        """

    def names(self, split: Split) -> tuple[str, ...]:
        """Return the images' names in the order of `pairs`."""
        return tuple(pair.name for pair in self.pairs(split))

    def load(self, split: Split, index: int) -> tuple[Image, Label]:
        """Read a pair; EXIF rotation is not applied, since masks are drawn on the stored pixels."""
        pair = self.pairs(split)[index]
        with _opened(pair.image) as picture:
            image = _rgb(picture)
        with _opened(pair.mask) as picture:
            label = self.decode(picture)
        if image.shape[:2] != label.shape:
            raise DataError(_mismatch(pair, image.shape[1::-1], label.shape[::-1]))
        return image, label

    def check(self) -> None:
        """Check that every pair is there, opens and agrees in size, reading headers only."""
        pairs = {pair: None for split in SPLITS for pair in self.pairs(split)}
        problems = [problem for pair in pairs for problem in _problems(pair)]
        if problems:
            raise DataError("\n".join(problems))

    def fingerprint_parts(self) -> tuple[str, ...]:
        """Return each pair's split and name with the sizes of both files in bytes."""
        return tuple(
            f"{split}/{pair.name} {pair.image.stat().st_size} {pair.mask.stat().st_size}"
            for split in SPLITS
            for pair in self.pairs(split)
        )


def read_list(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each line of a split's list with its place (path:number), without the blank ones.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); is `root` right?") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield line.strip(), f"{path}:{number}"


def decode_ids(mask: Picture.Image, table: npt.NDArray[np.int16], allowed: str) -> Label:
    """Map the values of an index mask through a table that `id_table` made.

    Palette masks give their indices, never their colours.

    Raises:
        DataError: a value is not in the table, or the mask is a colour picture.
    """
    if len(mask.getbands()) > 1:
        raise DataError(
            f"a mask of class ids has one channel, this one is a {mask.mode} picture: "
            "give the classes their colours"
        )
    values = np.asarray(mask).astype(np.int64)
    beyond = (values < 0) | (values > 255)
    ids = table[np.where(beyond, 0, values)]
    wrong = np.unique(values[beyond | (ids == _REFUSED)])
    if wrong.size:
        listed = ", ".join(map(str, wrong[:8])) + (", ..." if wrong.size > 8 else "")
        raise DataError(f"class id {listed} in a mask; allowed are {allowed}")
    return ids.astype(np.uint8)


def id_table(classes: int, first: int, void: int, ignore_index: int) -> npt.NDArray[np.int16]:
    """Return what each of the 256 mask values means: a class id, `ignore_index`, or refused.

    Args:
        classes: how many classes there are.
        first: the mask value of class 0; the others follow it.
        void: the mask value that means `ignore_index`.
        ignore_index: the label value that stands for no class.
    """
    table = np.full(256, _REFUSED, dtype=np.int16)
    table[first : first + classes] = np.arange(classes)
    table[void] = ignore_index
    return table


def decode_colours(
    mask: Picture.Image, colours: tuple[tuple[int, int, int], ...], ignore_index: int
) -> Label:
    """Give every pixel the id of the class whose colour it has exactly, or `ignore_index`."""
    rgb = _rgb(mask).astype(np.int32)
    packed = rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]
    label = np.full(packed.shape, ignore_index, dtype=np.uint8)
    for class_id, (red, green, blue) in enumerate(colours):
        label[packed == (red << 16 | green << 8 | blue)] = class_id
    return label


@contextmanager
def _opened(path: Path) -> Iterator[Picture.Image]:
    """Open a picture; whatever goes wrong within the block names its path."""
    try:
        with Picture.open(path) as picture:
            yield picture
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except _UNREADABLE as error:
        raise DataError(f"{path}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "is missing"
    return f"cannot be read ({error})"


def _rgb(picture: Picture.Image) -> Image:
    """Convert whatever the file really is (a GIF named .jpg, an RGBA PNG) to RGB without alpha."""
    if picture.mode.startswith(("I", "F")):
        raise DataError(f"has {picture.mode} pixels: convert it to 8 bits a channel")
    if picture.mode == "P":  # straight to RGB warns where the palette has transparency
        picture = picture.convert("RGBA")
    return np.asarray(picture.convert("RGB"))


def _problems(pair: Pair) -> list[str]:
    sizes, problems = [], []
    for path in (pair.image, pair.mask):
        try:
            with _opened(path) as picture:
                sizes.append(picture.size)
        except DataError as error:
            problems.append(str(error))
    if len(sizes) == 2 and sizes[0] != sizes[1]:
        problems.append(_mismatch(pair, *sizes))
    return problems


def _mismatch(pair: Pair, image: tuple[int, ...], mask: tuple[int, ...]) -> str:
    sizes = f"{mask[0]}x{mask[1]}, its image {pair.image} {image[0]}x{image[1]}"
    return f"{pair.mask}: the mask is {sizes}"
