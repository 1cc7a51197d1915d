"""What the trainer needs of a data set: names, classes, and one image with its label at a time."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchctl.trainer.data.settings import Split

Image = npt.NDArray[Any]
"""[height, width, 3] RGB of bytes; of rasters [height, width, bands] of float32, NaN where a pixel
is missing."""
Label = npt.NDArray[np.uint8]
"""[height, width] class ids; `ignore_index` where there is no label."""
Colour = tuple[int, int, int]


class Dataset(ABC):
    """One data set in its three splits. Nothing is decoded before `load` asks for it."""

    class_names: tuple[str, ...]
    """Names of the classes, in the order of their ids 0..C-1."""
    palette: tuple[Colour, ...]
    """Colour in which each class is drawn."""
    ignore_index: int
    """Label value that is neither trained on nor scored; never a class id."""

    @abstractmethod
    def names(self, split: Split) -> tuple[str, ...]:
        """Return the images' names, unique within the split, in a fixed order."""

    @abstractmethod
    def load(self, split: Split, index: int) -> tuple[Image, Label]:
        """Return the image and its label, both at the data set's own size.

        Raises:
            DataError: the pair is missing, unreadable or does not fit; names the path.
        """

    def size(self, split: Split, index: int) -> tuple[int, int]:
        """Return the height and width of the image that `load` gives, if possible without that."""
        height, width = self.load(split, index)[0].shape[:2]
        return height, width

    def displayed(self, image: Image) -> Image:
        """Return an image as 8-bit RGB, for pictures."""
        return image

    def files(self, split: Split) -> tuple[Path, ...]:
        """Return every file that the split's images and labels are decoded from; none if drawn."""
        return ()

    def group(self, split: Split, index: int) -> str:
        """Return the group (clip, city, scene) of an image; alone in its own by default."""
        return self.names(split)[index]

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
