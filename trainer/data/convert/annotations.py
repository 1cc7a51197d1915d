"""Contents of annotation files of all formats: images with shapes; and how shapes are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture
from PIL import ImageDraw

from searchctl.trainer.core.errors import DataError

Mask = npt.NDArray[np.uint8]
"""[height, width] class ids; 0 is background."""
Points = Sequence[tuple[float, float]]
"""Corners (x, y) in pixels; the first pixel's centre is at (0.5, 0.5)."""
MOST_CLASSES = 254
"""Masks are bytes, of which 0 is background and 255 is ignored."""
_LEAST_POINTS = 3
_FARTHEST = 1e8
"""Pixels; Pillow's own numbers end at 2^31 of the finer ones."""
_FINER = 5
"""Finer pixels along a pixel's side; an odd number has one in the middle."""


@dataclass(frozen=True)
class Shape:
    """One object: polygons, or run lengths."""

    class_name: str
    polygons: tuple[Points, ...] = ()
    """Parts of the object."""
    runs: tuple[int, ...] = ()
    """Lengths of runs outside and inside of the object in turn, column by column."""

    @property
    def area(self) -> float:
        """Pixels, as if no two polygons of it had pixels in common."""
        return sum(self.runs[1::2]) + sum(map(_area, self.polygons))

    def is_outside(self, size: tuple[int, int]) -> bool:
        """Return whether all its polygons lie beyond the image, of (height, width)."""
        return bool(self.polygons) and all(_is_outside(each, size) for each in self.polygons)


@dataclass(frozen=True)
class Annotated:
    """One image and the objects in it, those to be drawn later on top."""

    image: Path
    shapes: tuple[Shape, ...]
    size: tuple[int, int] | None = None
    """Height and width that the annotations state."""


@dataclass(frozen=True)
class Annotations:
    """All of a file or directory."""

    class_names: tuple[str, ...]
    """In the order of their ids, 1 for the first."""
    images: tuple[Annotated, ...]


def corners_of(pairs: Sequence[Any]) -> Points:
    """Return corners as pairs of numbers.

    Raises:
        ValueError: one is no pair, or no finite number of pixels.
    """
    try:
        found = [(float(x), float(y)) for x, y in pairs]
    except (TypeError, ValueError, OverflowError):
        raise ValueError("has a corner that is not two numbers: write [x, y]") from None
    if not all(abs(number) <= _FARTHEST for corner in found for number in corner):
        raise ValueError("has a coordinate that is NaN, infinite or beyond 100,000,000 pixels")
    return found


def polygon_of(pairs: Sequence[Any]) -> Points:
    """Return the corners of a polygon.

    Raises:
        ValueError: they are too few, or `corners_of` refuses them.
    """
    found = corners_of(pairs)
    if len(found) < _LEAST_POINTS:
        raise ValueError(f"has a polygon of {len(found)} corners, and it needs {_LEAST_POINTS}")
    return found


def _area(polygon: Points) -> float:
    x, y = np.asarray(polygon, dtype=np.float64).T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _is_outside(polygon: Points, size: tuple[int, int]) -> bool:
    corners = np.asarray(polygon, dtype=np.float64)
    return bool((corners.max(axis=0) <= 0).any() or (corners.min(axis=0) >= size[::-1]).any())


def drawn(shapes: Sequence[Shape], ids: dict[str, int], size: tuple[int, int]) -> Mask:
    """Return the mask of an image.

    Args:
        shapes: what is drawn, in this order.
        ids: of the classes by name.
        size: height and width.

    Raises:
        DataError: run lengths are not of this size.
    """
    height, width = size
    picture = Picture.new("L", (width, height))
    for shape in shapes:
        class_id = ids[shape.class_name]
        for polygon in shape.polygons:
            _fill(picture, polygon, class_id)
        if shape.runs:
            inside = Picture.fromarray(filled(shape.runs, size))
            picture.paste(class_id, mask=inside)
    return np.asarray(picture)


def _fill(picture: Picture.Image, polygon: Points, class_id: int) -> None:
    """Give the class to pixels whose centres are in a polygon.

    Pillow fills pixels that the outline touches, too: so it draws finer ones, of which the one in
    the middle counts.
    """
    corners = np.asarray(polygon, dtype=np.float64)
    least = np.floor(corners.min(axis=0)).clip(0, picture.size).astype(int)
    most = np.ceil(corners.max(axis=0)).clip(0, picture.size).astype(int)
    width, height = (int(side) for side in most - least)
    if not width or not height:
        return
    fine = Picture.new("L", (width * _FINER, height * _FINER))
    # Pillow's pixels have their centres at whole numbers
    places = [(float(x), float(y)) for x, y in (corners - least) * _FINER - 0.5]
    ImageDraw.Draw(fine).polygon(places, fill=255)
    middle = np.asarray(fine)[_FINER // 2 :: _FINER, _FINER // 2 :: _FINER]
    left, top = (int(side) for side in least)
    picture.paste(class_id, (left, top), Picture.fromarray(np.ascontiguousarray(middle)))


def filled(runs: Sequence[int], size: tuple[int, int]) -> Mask:
    """Return what run lengths mean: 255 inside of the object, 0 outside.

    >>> filled([1, 2, 3], (2, 3)).tolist()
    [[0, 255, 0], [255, 0, 0]]
    """
    height, width = size
    if sum(runs) != height * width:
        raise DataError(f"run lengths of {sum(runs)} pixels are not of {height}x{width}")
    values = np.arange(len(runs)) % 2 * 255
    return np.repeat(values.astype(np.uint8), runs).reshape((width, height)).T.copy()
