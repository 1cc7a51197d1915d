"""Cuts large images into tiles, which networks see at full detail."""

import threading
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from searchctl.trainer.data.crop import crop_corners
from searchctl.trainer.data.sets.base import Dataset, Image, Label
from searchctl.trainer.data.settings import Split

Size = tuple[int, int]
"""Height and width in pixels."""


class _Tile(NamedTuple):
    image: int
    """Which image of the split it is of."""
    top: int
    left: int


class Tiles(Dataset):
    """The tiles of a data set's images, in the order of the images, row by row.

    Tiles of one image are in its split and in its group. An image that is smaller than a tile is a
    single tile. One image is kept in memory, so tiles are best read in order.

    Args:
        whole: the data set of the images.
        tile: height and width of a tile.
        overlap: least share of a tile's side that it has in common with the next one.
    """

    def __init__(self, whole: Dataset, tile: Size, overlap: float) -> None:
        self.whole = whole
        self._tile, self._overlap = tile, overlap
        self.class_names, self.palette = whole.class_names, whole.palette
        self.ignore_index, self.code = whole.ignore_index, whole.code
        self._held: tuple[tuple[Split, int], tuple[Image, Label]] | None = None
        self._lock = threading.Lock()

    def names(self, split: Split) -> tuple[str, ...]:
        """Return the names of the images with the tiles' tops and lefts: town.tif@0,512."""
        names = self.whole.names(split)
        return tuple(f"{names[each.image]}@{each.top},{each.left}" for each in self._tiles[split])

    def load(self, split: Split, index: int) -> tuple[Image, Label]:
        """Return the tile's pixels and labels.

        Raises:
            DataError: as the images' data set does.
        """
        tile = self._tiles[split][index]
        image, label = self._image(split, tile.image)
        rows = slice(tile.top, tile.top + self._tile[0])
        columns = slice(tile.left, tile.left + self._tile[1])
        return image[rows, columns].copy(), label[rows, columns].copy()

    def size(self, split: Split, index: int) -> Size:
        """Return the tile's height and width."""
        height, width = self._sizes[split][self._tiles[split][index].image]
        return min(height, self._tile[0]), min(width, self._tile[1])

    def displayed(self, image: Image) -> Image:
        """Return a tile as 8-bit RGB, for pictures."""
        return self.whole.displayed(image)

    def files(self, split: Split) -> tuple[Path, ...]:
        """Return the files of the images."""
        return self.whole.files(split)

    def group(self, split: Split, index: int) -> str:
        """Return the group of the image: tiles of one image resemble each other."""
        return self.whole.group(split, self._tiles[split][index].image)

    def check(self) -> None:
        """Check the images.

        Raises:
            DataError: as the images' data set does.
        """
        self.whole.check()

    def fingerprint_parts(self) -> tuple[str, ...]:
        """Return those of the images, with the tiles' size and overlap."""
        return *self.whole.fingerprint_parts(), f"tiles {self._tile} {self._overlap}"

    @cached_property
    def _sizes(self) -> dict[Split, list[Size]]:
        splits: tuple[Split, ...] = ("train", "val", "test")
        return {
            split: [self.whole.size(split, i) for i in range(len(self.whole.names(split)))]
            for split in splits
        }

    @cached_property
    def _tiles(self) -> dict[Split, list[_Tile]]:
        return {
            split: [
                _Tile(image, *corner)
                for image, size in enumerate(sizes)
                for corner in crop_corners(size, self._tile, self._overlap)
            ]
            for split, sizes in self._sizes.items()
        }

    def _image(self, split: Split, image: int) -> tuple[Image, Label]:
        with self._lock:  # threads that want tiles of one image decode it once
            if self._held is None or self._held[0] != (split, image):
                self._held = None  # two large images may be too many
                self._held = (split, image), self.whole.load(split, image)
            return self._held[1]
