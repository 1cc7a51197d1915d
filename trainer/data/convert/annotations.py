"""Contents of annotation files of all formats: images with shapes; and how shapes are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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


def drawn(shapes: Sequence[Shape], ids: dict[str, int], size: tuple[int, int]) -> Mask:
    """Return the mask of an image.

    Args:
        shapes: what is drawn, in this order.
        ids: of the classes by name.
        size: height and width.

    Raises:
        DataError: run lengths are not of this size, or a polygon has too few corners.
    """
    height, width = size
    picture = Picture.new("L", (width, height))
    for shape in shapes:
        class_id = ids[shape.class_name]
        for polygon in shape.polygons:
            if len(polygon) < _LEAST_POINTS:
                raise DataError(f"a polygon of '{shape.class_name}' has {len(polygon)} corners")
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
