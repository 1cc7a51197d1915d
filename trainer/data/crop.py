"""Cuts a window out of an image and its label, and brings it to the training size in one step."""

import math
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from searchctl.trainer.data.resizing import Size, resized_image, resized_label
from searchctl.trainer.data.sets.base import Image, Label


class Window(NamedTuple):
    """A part of an image, in shares of its height and width; it may reach beyond the image.

    Shares mean the same in an image and in its stretched copy: a shape that all images are
    stretched to is kept, whatever their own was.
    """

    top: float
    left: float
    height: float
    width: float


WHOLE = Window(0.0, 0.0, 1.0, 1.0)


def cut_image(image: Image, window: Window, size: Size) -> Image:
    """Return what is seen in a window of an image, at a size.

    Beyond the image is black, or missing (NaN) in a raster.
    """
    rows, columns = _spans(window, image.shape[:2], size)
    seen = image[rows.seen, columns.seen]
    if (rows.length, columns.length) == size:
        return resized_image(seen, size)
    beyond = np.nan if image.dtype.kind == "f" else 0
    whole = np.full((*size, image.shape[2]), beyond, dtype=image.dtype)
    whole[rows.filled, columns.filled] = resized_image(seen, (rows.length, columns.length))
    return whole


def cut_label(label: Label, window: Window, size: Size, beyond: int) -> Label:
    """Return what is seen in a window of a label, at a size; `beyond` beyond the image."""
    rows, columns = _spans(window, label.shape, size)
    seen = label[rows.seen, columns.seen]
    if (rows.length, columns.length) == size:
        return resized_label(seen, size)
    whole = np.full(size, beyond, dtype=np.uint8)
    whole[rows.filled, columns.filled] = resized_label(seen, (rows.length, columns.length))
    return whole


class _Span(NamedTuple):
    """What is seen of an image's rows (or columns), and which ones of the result they fill."""

    seen: slice
    filled: slice

    @property
    def length(self) -> int:
        return self.filled.stop - self.filled.start  # type: ignore[no-any-return]


def _spans(window: Window, native: tuple[int, ...], size: Size) -> tuple[_Span, _Span]:
    return (
        _span(window.top, window.height, native[0], size[0]),
        _span(window.left, window.width, native[1], size[1]),
    )


def _span(start: float, extent: float, native: int, target: int) -> _Span:
    first, last = max(start, 0.0), min(start + extent, 1.0)
    return _Span(
        _pixels(first, last, native),
        _pixels((first - start) / extent, (last - start) / extent, target),
    )


def _pixels(first: float, last: float, length: int) -> slice:
    """Return the pixels between two shares of a length, one at least."""
    begin = min(round(first * length), length - 1)
    return slice(begin, max(round(last * length), begin + 1))


def crop_corners(size: Sequence[int], window: Size, overlap: float) -> list[Size]:
    """Return the top left corners (y, x) of windows that cover an image, row by row.

    The windows are evenly spaced; the last ones end at the image's border. Along a side that is
    shorter than a window there is one corner.

    Args:
        size: size of the image.
        window: height and width of each window.
        overlap: smallest share of a window's side that overlaps the next window.

    >>> crop_corners((10, 25), (10, 10), 0.5)
    [(0, 0), (0, 5), (0, 10), (0, 15)]
    >>> crop_corners((5, 20), (10, 10), 0.0)
    [(0, 0), (0, 10)]
    """
    rows, columns = (_starts(*pair, overlap) for pair in zip(size, window, strict=True))
    return list(product(rows, columns))


def _starts(length: int, window: int, overlap: float) -> list[int]:
    step = max(1, round(window * (1 - overlap)))
    room = max(0, length - window)
    steps = math.ceil(room / step)
    return [room * each // max(steps, 1) for each in range(steps + 1)]
