"""Masks that are colour pictures: what each colour means."""

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Picture

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.files.reading import as_rgb
from searchctl.trainer.data.sets.base import MOST_COLOURS, Colour, Label

MOST_STRAYS = 0.01
"""Largest share of a mask's pixels in colours that no table lists. A few such pixels are slips of
who drew the mask; many mean that it was resized with interpolation or is of another table."""
_LISTED = 3


class ColourTable:
    """What each colour of a mask means; any other colour has no class.

    Pixels are looked up by their colours as 24-bit numbers, in time that does not depend on how
    many classes there are. The table of 16 MiB is all zeros but for a few entries, so the system
    hands out few pages of it.
    """

    def __init__(
        self, ids: Mapping[Colour, int], ignore_index: int, most_strays: float = MOST_STRAYS
    ) -> None:
        """Make the table.

        Args:
            ids: label value of each colour: a class id or `ignore_index`; up to 255 colours.
            ignore_index: label value of any other colour.
            most_strays: share of a mask that may be in other colours, 0..1.
        """
        self._most_strays = most_strays
        self._codes = np.zeros(1 << 24, dtype=np.uint8)
        self._codes[[_packed(colour) for colour in ids]] = np.arange(1, len(ids) + 1)
        self._ids = np.full(256, ignore_index, dtype=np.uint8)
        self._ids[1 : len(ids) + 1] = list(ids.values())

    def decode(self, mask: Picture.Image) -> Label:
        """Give every pixel the id of its exact colour.

        Raises:
            DataError: more than a few pixels have colours that the table lacks.
        """
        pixels = _pixels(mask)
        codes = self._codes.take(pixels)
        self._refuse_strays(pixels[codes == 0], codes.size)
        label: Label = cv2.LUT(codes, self._ids)
        return label

    def strays(self, mask: Picture.Image) -> tuple[Colour, ...]:
        """Return the most frequent colours of a mask that the table lacks: up to `MOST_COLOURS`."""
        pixels = _pixels(mask)
        return _most_frequent(pixels[self._codes.take(pixels) == 0], MOST_COLOURS)

    def _refuse_strays(self, strays: npt.NDArray[np.uint32], pixels: int) -> None:
        if len(strays) <= self._most_strays * pixels:
            return
        listed = ", ".join(map(str, _most_frequent(strays, _LISTED)))
        raise DataError(
            f"{100 * len(strays) / pixels:.1f} % of a mask is in colours of no class, most of it "
            f"in {listed}: it was resized with interpolation, or has another table of colours"
        )


def _pixels(mask: Picture.Image) -> npt.NDArray[np.uint32]:
    """Return the colours of a mask as 24-bit numbers."""
    packed = np.asarray(as_rgb(mask).convert("RGBA")).view("<u4")[..., 0]
    colours: npt.NDArray[np.uint32] = packed & np.uint32(0xFFFFFF)
    return colours


def _most_frequent(packed: npt.NDArray[np.uint32], most: int) -> tuple[Colour, ...]:
    colours, counts = np.unique(packed, return_counts=True)
    common = colours[np.argsort(-counts, kind="stable")][:most]
    return tuple(_unpacked(int(each)) for each in common)


def _packed(colour: Colour) -> int:
    red, green, blue = colour
    return red | green << 8 | blue << 16


def _unpacked(packed: int) -> Colour:
    return packed & 255, packed >> 8 & 255, packed >> 16
