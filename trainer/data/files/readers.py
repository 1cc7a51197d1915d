"""The two ways of reading images: as 8-bit RGB, or as bands of rasters."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from searchctl.trainer.data.files.raster import raster_size, read_raster
from searchctl.trainer.data.files.reading import (
    Traits,
    as_rgb,
    image_size,
    opened_image,
    traits_of,
)

Pixels = npt.NDArray[Any]
_DARKEST, _BRIGHTEST = 2, 98
"""Percentiles that pictures of rasters show as black and white."""


class Reader(Protocol):
    """Reads the images of a data set, all in the same way."""

    def read(self, path: Path) -> tuple[Pixels, Traits]:
        """Return an image [height, width, channels], and what its file holds besides.

        Raises:
            DataError: it cannot be read in this way.
        """

    def size(self, path: Path) -> tuple[int, int]:
        """Return an image's height and width, if possible from its header.

        Raises:
            DataError: it cannot be read in this way.
        """

    def displayed(self, image: Pixels) -> Pixels:
        """Return an image that was read as 8-bit RGB, for pictures."""


class RgbReader:
    """Reads images as 8-bit RGB: uint8 [height, width, 3]."""

    def read(self, path: Path) -> tuple[Pixels, Traits]:
        """Return the image as it is stored; EXIF rotation is not applied."""
        with opened_image(path) as picture:
            return np.asarray(as_rgb(picture)), traits_of(picture)

    def size(self, path: Path) -> tuple[int, int]:
        """Return the stored height and width."""
        return image_size(path)

    def displayed(self, image: Pixels) -> Pixels:
        """Return the image itself."""
        return image


class RasterReader:
    """Reads bands of rasters: float32 [height, width, bands], NaN where a pixel is missing.

    Args:
        bands: their numbers, counted from 0.
        nodata: value of missing pixels; what each file states, if None.
        shown: those of the bands that pictures show as red, green and blue; the first three if
            None.
    """

    def __init__(
        self, bands: Sequence[int], nodata: float | None, shown: Sequence[int] | None
    ) -> None:
        self._bands = tuple(bands)
        self._nodata = nodata
        self._shown = [self._bands.index(band) for band in shown or self._bands[:3]]

    def read(self, path: Path) -> tuple[Pixels, Traits]:
        """Return the bands."""
        return read_raster(path, self._bands, self._nodata), Traits()

    def size(self, path: Path) -> tuple[int, int]:
        """Return the height and width."""
        return raster_size(path)

    def displayed(self, image: Pixels) -> Pixels:
        """Return three bands (grey of fewer), each from its darkest to its brightest 2 percent."""
        chosen = image[..., self._shown if len(self._shown) == 3 else [self._shown[0]] * 3]
        if np.isnan(chosen).all():
            return np.zeros(chosen.shape, dtype=np.uint8)
        darkest, brightest = np.nanpercentile(chosen, (_DARKEST, _BRIGHTEST), axis=(0, 1))
        span = np.where(brightest > darkest, brightest - darkest, 1.0)
        shares = np.nan_to_num((chosen - darkest) / span)
        shown: Pixels = (255 * shares.clip(0, 1)).round().astype(np.uint8)
        return shown
