"""Reads image files as a network's data set read them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageOps

from searchctl.trainer.data.files.formats import header_of
from searchctl.trainer.data.files.raster import SUFFIXES as RASTERS
from searchctl.trainer.data.files.raster import geo_tags
from searchctl.trainer.data.files.readers import RasterReader, Reader, RgbReader
from searchctl.trainer.data.files.reading import (
    Traits,
    allow_pixels,
    as_rgb,
    named,
    opened_image,
    traits_of,
)
from searchctl.trainer.data.sets.base import Image
from searchctl.trainer.data.sets.folders.folder import IMAGES
from searchctl.trainer.trained.description import Description


class ImageReader:
    """Reads the images of one network.

    Images are read as stored: EXIF data turn none, as in training. A classifier's are turned.
    """

    def __init__(self, description: Description) -> None:
        images = description.images
        allow_pixels(images.max_pixels)
        self._upright = description.task == "classification"
        self._reader: Reader = RgbReader()
        self.suffixes = IMAGES
        """Suffixes of the files that it reads."""
        if images.bands is not None:
            self._reader = RasterReader(images.bands, images.nodata, images.shown_bands)
            self.suffixes = RASTERS

    def read(self, path: Path) -> tuple[Image, Traits]:
        """Return the image, of its own size, and what its file holds besides.

        Raises:
            DataError: it cannot be read; names the path.
        """
        if self._upright:
            with opened_image(path, may_be_turned=True) as picture:
                image = np.asarray(as_rgb(ImageOps.exif_transpose(picture)))
                return image, replace(traits_of(picture), orientation=1)
        return self._reader.read(path)

    def displayed(self, image: Image) -> Image:
        """Return an image as 8-bit RGB."""
        return self._reader.displayed(image)


def place_on_earth(path: Path) -> dict[str, Any]:
    """Return the tags by which a GeoTIFF says where it lies; none of other files.

    Raises:
        DataError: it is a TIFF, and tifffile is not installed, or it is broken.
    """
    with named(path):
        header = header_of(path)
    return geo_tags(path) if header is not None and header.format == "TIFF" else {}
