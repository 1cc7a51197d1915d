"""Crops or pads images of any size to the training size, at a random place."""

import random
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from searchctl.trainer.data.resizing import Size


class Place(NamedTuple):
    """Where the training image begins in the image; negative where it begins before it."""

    top: int
    left: int


def drawn_place(given: tuple[int, ...], size: Size, rng: random.Random) -> Place:
    """Draw a place: the training image anywhere in a larger image, a smaller one anywhere in it."""
    rows, columns = given[0] - size[0], given[1] - size[1]
    return Place(*(rng.randint(min(room, 0), max(room, 0)) for room in (rows, columns)))


def placed(array: npt.NDArray[Any], place: Place, size: Size, beyond: float) -> npt.NDArray[Any]:
    """Return the part of an image or label at a place; itself, if it has the size.

    Args:
        array: [height, width, ...].
        place: where the part begins.
        size: its height and width.
        beyond: value of what lies beyond the array.
    """
    if array.shape[:2] == size:
        return array
    whole = np.full((*size, *array.shape[2:]), beyond, dtype=array.dtype)
    rows, columns = (
        slice(max(start, 0), min(start + length, given))
        for start, length, given in zip(place, size, array.shape[:2], strict=True)
    )
    seen = array[rows, columns]
    top, left = max(-place.top, 0), max(-place.left, 0)
    whole[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    return whole
