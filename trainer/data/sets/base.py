"""Interface of a data set: names, classes, and one image with its label at a time."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchctl.trainer.data.settings import Split

Image = npt.NDArray[Any]
"""[height, width, 3] RGB of bytes; of rasters [height, width, bands] of float32, NaN where a pixel
is missing."""
Label = npt.NDArray[np.uint8]
"""[height, width] class ids; `ignore_index` where there is no label."""
Colour = tuple[int, int, int]
MOST_COLOURS = 9
"""Colours that are kept of a mask's."""


@dataclass(frozen=True)
class Seen:
    """What reading a pair shows besides its image and label."""

    turned: bool = False
    """Whether EXIF data turn the image, and not in the same way the mask, where they are shown."""
    see_through: bool = False
    """Whether the image has pixels that are not opaque; their colours are read as they are."""
    values: tuple[int, ...] = ()
    """Values in a mask of class ids, before the class table is applied."""
    palette: tuple[tuple[int, Colour], ...] = ()
    """Values with their colours, of a mask of class ids whose file has a palette."""
    mask_turned: bool = False
    """Whether EXIF data turn the mask, and not the image, where they are shown."""
    pictures: int = 1
    """Pictures in the image's file, of which the first is read."""
    mask_see_through: bool = False
    """Whether the mask is a picture with pixels that are not opaque."""
    strays: tuple[Colour, ...] = ()
    """Colours of no class in a mask of colours, the most frequent ones: `MOST_COLOURS` of more."""


class Reading(NamedTuple):
    """One pair, as it was read."""

    image: Image
    label: Label
    seen: Seen


class Dataset(ABC):
    """One data set in its three splits. Only `load` decodes files."""

    class_names: tuple[str, ...]
    """Names of the classes, in the order of their ids 0..C-1."""
    palette: tuple[Colour, ...]
    """Colour in which each class is drawn."""
    ignore_index: int
    """Label value that is neither trained on nor scored; never a class id."""

    root: Path | None = None
    """Directory of its files; None for one that is drawn."""
    read_whole: bool = False
    """Whether every file below `root` should be read: of a layout that its user made."""

    code: str = ""
    """Hash of the code that reads it, for one of the user's own."""

    @abstractmethod
    def names(self, split: Split) -> tuple[str, ...]:
        """Return the images' names, unique within the split, in a fixed order."""

    @abstractmethod
    def load(self, split: Split, index: int) -> tuple[Image, Label]:
        """Return the image and its label, both at the data set's own size.

        Raises:
            DataError: the pair is missing, unreadable or does not fit; names the path.
        """

    def read(self, split: Split, index: int) -> Reading:
        """Return what `load` does, and what else was seen.

        Raises:
            DataError: as `load` does.
        """
        return Reading(*self.load(split, index), Seen())

    def size(self, split: Split, index: int) -> tuple[int, int]:
        """Return the height and width of the image that `load` gives, if possible without that."""
        height, width = self.load(split, index)[0].shape[:2]
        return height, width

    def displayed(self, image: Image) -> Image:
        """Return an image as 8-bit RGB, for pictures."""
        return image

    def files_of(self, split: Split, index: int) -> tuple[Path, ...]:
        """Return the files that an image and its label are decoded from; none if drawn."""
        return ()

    def files(self, split: Split) -> tuple[Path, ...]:
        """Return the files of all images and labels of a split."""
        indices = range(len(self.names(split)))
        return tuple(path for index in indices for path in self.files_of(split, index))

    def unused(self) -> tuple[Path, ...]:
        """Return the files below the data set's directory that are neither read nor hidden."""
        return ()

    def group(self, split: Split, index: int) -> str:
        """Return the group (clip, city, scene) of an image; alone in its own by default."""
        return self.names(split)[index]

    def advice(self, values: Collection[int]) -> str:
        """Return which setting would make sense of masks that hold these values, if one would.

        Args:
            values: what the masks hold, before the class table is applied.
        """
        return ""

    def check(self) -> None:  # noqa: B027 - without files there is nothing to check
        """Check that every pair of files is there and fits, reading headers only.

        Raises:
            DataError: with every offending path, one a line.
        """

    def fingerprint_parts(self) -> tuple[str, ...]:
        """Return strings that change when the data change: names with sizes, or a seed."""
        return tuple(
            f"{split}/{name}" for split in ("train", "val", "test") for name in self.names(split)
        )
