"""The files that are written of a prediction: masks, overlays, probabilities; torch-free."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture

from searchctl.trainer.data.sets.base import Colour, Image, Label

_COVERS = 0.5
"""Opacity of the classes' colours over an image."""
_GEO = {
    "ModelPixelScaleTag": (33550, "d"),
    "ModelTiepointTag": (33922, "d"),
    "ModelTransformationTag": (34264, "d"),
    "GeoKeyDirectoryTag": (34735, "H"),
    "GeoDoubleParamsTag": (34736, "d"),
    "GeoAsciiParamsTag": (34737, "s"),
}
"""Tags of a place on earth: number and type (https://docs.ogc.org/is/19-008r4/19-008r4.html)."""
_NODATA = 42113
"""GDAL_NODATA."""
_TILE = (512, 512)


def png_mask(classes: Label, palette: Sequence[Colour]) -> bytes:
    """Return a PNG of class ids with the classes' colours as its palette."""
    picture = Picture.fromarray(classes)
    picture.putpalette([channel for colour in palette for channel in colour])
    return _png(picture)


def geotiff_mask(
    classes: Label, palette: Sequence[Colour], place: Mapping[str, Any], ignore_index: int
) -> bytes:
    """Return a GeoTIFF of class ids with a palette, at the place of the image.

    Args:
        classes: [height, width] class ids.
        palette: colour of each class.
        place: the image's tags of its place on earth.
        ignore_index: value of missing pixels, which the file states as its nodata value.
    """
    import tifffile

    colours = np.zeros((3, 256), dtype=np.uint16)
    colours[:, : len(palette)] = 257 * np.array(palette, dtype=np.uint16).T  # 8 bits to 16
    tags = [
        (_GEO[name][0], _GEO[name][1], _count(value), value, True)
        for name, value in place.items()
        if name in _GEO
    ]
    buffer = BytesIO()
    tifffile.imwrite(
        buffer,
        classes,
        photometric="palette",
        colormap=colours,
        compression="zlib",
        tile=_TILE,
        metadata=None,
        extratags=[*tags, (_NODATA, "s", 0, str(ignore_index), True)],
    )
    return buffer.getvalue()


def overlay(image: Image, classes: Label, palette: Sequence[Colour]) -> bytes:
    """Return a PNG of an image under the colours of its classes; of no class: the image alone.

    Args:
        image: [height, width, 3] RGB of bytes.
        classes: [height, width] class ids.
        palette: colour of each class.
    """
    colours = np.array(palette, dtype=np.float32)
    known = classes < len(palette)
    drawn = image.astype(np.float32)
    drawn[known] = (1 - _COVERS) * drawn[known] + _COVERS * colours[classes[known]]
    return _png(Picture.fromarray(drawn.round().astype(np.uint8)))


def array_file(array: npt.NDArray[np.generic]) -> bytes:
    """Return the bytes of a .npy file."""
    buffer = BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _png(picture: Picture.Image) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _count(value: object) -> int:
    return 0 if isinstance(value, str) else len(value)  # type: ignore[arg-type]  # tuples
