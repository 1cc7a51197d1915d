"""Reads rasters: images of any number of bands, of 8, 16 or 32 bits or floats."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Picture

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.files.foreign import foreign
from searchctl.trainer.data.files.formats import header_of
from searchctl.trainer.data.files.reading import named

SUFFIXES = frozenset({".tif", ".tiff", ".png", ".npy", ".bmp", ".jpg", ".jpeg", ".webp"})
Raster = npt.NDArray[np.float32]
"""[height, width, bands]; NaN where a pixel is missing."""

_GDAL_NODATA = "GDAL_NODATA"


def read_raster(path: Path, bands: Sequence[int], nodata: float | None = None) -> Raster:
    """Return bands of a raster, its missing pixels as NaN.

    Args:
        path: of a TIFF (GeoTIFF too), a .npy array [height, width, bands], or a PNG.
        bands: their numbers, counted from 0.
        nodata: the value of missing pixels; the file's own, where it states one, if None.

    Raises:
        DataError: the file is missing, broken, a stack of several pictures, or without such a band;
            or a package for TIFF files is missing.
    """
    with named(path):
        array, own_nodata = _array_of(path)
        if max(bands) >= array.shape[2]:
            count = f"{array.shape[2]} band{'s' * (array.shape[2] != 1)}"
            raise DataError(f"has {count}, counted from 0, and data.bands names {max(bands)}")
        values = array[..., list(bands)]
        missing = nodata if nodata is not None else own_nodata
        raster: Raster = values.astype(np.float32)
        if missing is not None and not np.isnan(missing):
            raster[values == missing] = np.nan
        raster[~np.isfinite(raster)] = np.nan
        return raster


def raster_size(path: Path) -> tuple[int, int]:
    """Return a raster's height and width, from its header where the format has one.

    Raises:
        DataError: as `read_raster` does.
    """
    with named(path):
        _refuse(path)
        header = header_of(path)
        kind = header.format if header else ""
        if kind == "TIFF":
            with _tifffile().TiffFile(path) as file:
                page = _only_page(file)
                return int(page.imagelength), int(page.imagewidth)
        if kind == "NPY":
            height, width = np.load(path, mmap_mode="r", allow_pickle=False).shape[:2]
            return int(height), int(width)
        with Picture.open(path) as picture:
            return picture.height, picture.width


def geo_tags(path: Path) -> dict[str, Any]:
    """Return a TIFF's tags of its place on earth and its coordinate system; none of other files.

    Raises:
        DataError: the file cannot be read.
    """
    with named(path):
        header = header_of(path)
        if header is None or header.format != "TIFF":
            return {}
        with _tifffile().TiffFile(path) as file:
            tags = file.pages[0].tags
            return {tag.name: tag.value for tag in tags if tag.name.startswith(("Geo", "Model"))}


def mask_missing(image: npt.NDArray[Any], label: npt.NDArray[Any], ignore_index: int) -> Any:
    """Return the label without the pixels that any band of a raster lacks; itself of others.

    Args:
        image: [height, width, bands].
        label: [height, width].
        ignore_index: value that takes their place.
    """
    if image.dtype.kind != "f" or label.shape != image.shape[:2]:
        return label
    missing = np.isnan(image).any(axis=2)
    return np.where(missing, label.dtype.type(ignore_index), label) if missing.any() else label


def _array_of(path: Path) -> tuple[npt.NDArray[Any], float | None]:
    """Return a file's numbers [height, width, bands], and the value of missing ones."""
    _refuse(path)
    header = header_of(path)
    kind = header.format if header else ""
    if kind == "TIFF":
        return _tiff(path)
    if kind == "NPY":
        return _with_bands(np.load(path, mmap_mode="r", allow_pickle=False)), None
    content = np.fromfile(path, dtype=np.uint8)
    found = cv2.imdecode(content, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if found is None:
        raise DataError("cannot be read: convert it to TIFF, PNG or .npy")
    return _with_bands(_rgb_first(found)), None


def _rgb_first(found: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Undo OpenCV's order of colours: blue, green, red."""
    if found.ndim == 3 and found.shape[2] in (3, 4):
        return found[..., [2, 1, 0, 3][: found.shape[2]]]
    return found


def _tiff(path: Path) -> tuple[npt.NDArray[Any], float | None]:
    with _tifffile().TiffFile(path) as file:
        page = _only_page(file)
        array = page.asarray()
        if array.ndim == 3 and page.planarconfig == 2:  # each band by itself, one after another
            array = np.moveaxis(array, 0, -1)
        tag = page.tags.get(_GDAL_NODATA)
        return _with_bands(array), _number(tag.value) if tag else None


def _only_page(file: Any) -> Any:
    pages = [page for page in file.pages if not page.is_reduced and not page.is_mask]
    if len(pages) != 1:
        raise DataError(
            f"is a stack of {len(pages)} pages, and one picture a file is read: write each to its "
            "own file: `tiffsplit IN.tif OUT`"
        )
    return pages[0]


def _with_bands(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.dtype.kind not in "uif":
        shape = "x".join(map(str, array.shape))
        raise DataError(f"holds {shape} {array.dtype} values: height x width x bands is read")
    return array


def _refuse(path: Path) -> None:
    if words := foreign(path):
        raise DataError(words)


def _number(text: Any) -> float | None:
    try:
        return float(str(text).strip("\0 "))
    except ValueError:
        return None


def _tifffile() -> Any:
    try:
        import tifffile
    except ModuleNotFoundError as error:
        raise DataError("rasters in TIFF files need tifffile: install searchctl[raster]") from error
    return tifffile
