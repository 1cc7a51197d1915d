"""One entry of the decoded cache on disk: all images and labels of a split.

An entry is a directory of three files. `images` and `labels` are flat bytes, which are
memory-mapped. `index.npz` has the size of each image and label, and its pixels of each class.
"""

import math
import mmap
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from searchctl.trainer.core.array_views import Bytes, Store
from searchctl.trainer.data.label_counts import VALUES, value_counts
from searchctl.trainer.data.resizing import Size
from searchctl.trainer.data.sets.base import Image, Label

_IMAGES, _LABELS, _INDEX = "images", "labels", "index.npz"


@dataclass(frozen=True)
class Layout:
    """Sizes (height, width) of the images and labels of an entry, in their order."""

    images: Sequence[Size]
    labels: Sequence[Size]
    channels: int = 3
    """Channels of an image."""
    pixel_type: str = "uint8"
    """NumPy's name of the images' numbers."""

    @property
    def bytes(self) -> int:
        """Size of images and labels together, in bytes."""
        return _ends(self.images, self.pixel_bytes)[-1] + _ends(self.labels, 1)[-1]

    @property
    def pixel_bytes(self) -> int:
        """Size of an image's pixel in bytes."""
        return self.channels * np.dtype(self.pixel_type).itemsize


@dataclass(frozen=True)
class Entry:
    """An entry that is open for reading; it stays mapped as long as one of its arrays exists."""

    images: Store
    """Images [height, width, channels]."""
    labels: Store
    """Labels [height, width]; [1, 1] for the class of a whole image."""
    pixels: npt.NDArray[np.int64]
    """[images, 256] pixels of each label value."""

    @classmethod
    def open_if_complete(cls, folder: Path) -> Self | None:
        """Open an entry; None if it does not exist, or one of its files has the wrong size."""
        try:
            with (folder / _INDEX).open("rb") as file, np.load(file) as index:
                return cls(
                    _images_of(folder, index),
                    _Flat(folder / _LABELS, index["label_sizes"].tolist(), ()),
                    index["pixels"].astype(np.int64),
                )
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
            return None


EMPTY_ENTRY = Entry(images=(), labels=(), pixels=np.zeros((0, VALUES), dtype=np.int64))
"""An entry without images."""


class EntryWriter:
    """Writes an entry's images in any order, from any number of threads.

    The files are written, not memory-mapped: with a mapping, a full disk would kill the process
    instead of raising an error.
    """

    def __init__(self, folder: Path, layout: Layout) -> None:
        """Create the files with their final size; most file systems allocate space only later.

        Raises:
            OSError: the directory exists already, or cannot be written to.
        """
        folder.mkdir()
        self._folder = folder
        self.layout = layout
        self.pixels = np.zeros((len(layout.labels), VALUES), dtype=np.int64)
        """[images, 256] pixels of each label value so far."""
        self._starts = [
            [0, *_ends(layout.images, layout.pixel_bytes)],
            [0, *_ends(layout.labels, 1)],
        ]
        self._files = [
            os.open(folder / name, os.O_CREAT | os.O_RDWR) for name in (_IMAGES, _LABELS)
        ]
        for file, starts in zip(self._files, self._starts, strict=True):
            os.ftruncate(file, starts[-1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for file in self._files:
            os.close(file)

    def put(self, index: int, image: Image, label: Label) -> None:
        """Write an image and its label; their sizes must be those of the layout."""
        for file, starts, array in zip(self._files, self._starts, (image, label), strict=True):
            assert array.nbytes == starts[index + 1] - starts[index], (
                "the size differs from the layout"
            )
            _write_all(file, np.ascontiguousarray(array).data.cast("B"), starts[index])
        self.pixels[index] = value_counts(label)

    def finish(self) -> None:
        """Write the index, and sync all files to the disk."""
        with (self._folder / _INDEX).open("wb") as index:
            np.savez(
                index,
                image_sizes=np.array(self.layout.images, dtype=np.int32),
                label_sizes=np.array(self.layout.labels, dtype=np.int32),
                pixels=self.pixels.astype(np.uint32),
                channels=self.layout.channels,
                pixel_type=self.layout.pixel_type,
            )
            index.flush()
            os.fsync(index.fileno())
        for file in self._files:
            os.fsync(file)


class _Flat:
    """Arrays of bytes stored one after another in a memory-mapped file."""

    def __init__(
        self, path: Path, sizes: Sequence[Size], last: tuple[int, ...], dtype: str = "uint8"
    ) -> None:
        """Map a file of arrays with these heights and widths, and these last dimensions.

        Raises:
            OSError: the file cannot be read.
            ValueError: the file has another size.
        """
        self._dtype = np.dtype(dtype)
        self._ends = _ends(sizes, math.prod(last) * self._dtype.itemsize)
        self._shapes = [(*size, *last) for size in sizes]
        with path.open("rb") as file:
            found = os.fstat(file.fileno()).st_size
            if found != self._ends[-1]:
                raise ValueError(f"{path} has {found} bytes, not {self._ends[-1]}")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._bytes = np.frombuffer(mapped, dtype=np.uint8)

    def __getitem__(self, index: int) -> Bytes:
        start = self._ends[index - 1] if index else 0
        stored = self._bytes[start : self._ends[index]].view(self._dtype)
        return stored.reshape(self._shapes[index])


def _images_of(folder: Path, index: Any) -> _Flat:
    last, dtype = (int(index["channels"]),), str(index["pixel_type"])
    return _Flat(folder / _IMAGES, index["image_sizes"].tolist(), last, dtype)


def _ends(sizes: Sequence[Size], pixel_bytes: int) -> list[int]:
    return list(accumulate(height * width * pixel_bytes for height, width in sizes))


def _write_all(file: int, content: memoryview, offset: int) -> None:
    # pwrite may write less than requested, and needs no lock between threads
    while content:
        written = os.pwrite(file, content, offset)
        content, offset = content[written:], offset + written
