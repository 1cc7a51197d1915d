"""Rasters: what is read equals what an independent reader finds in the same file."""

import numpy as np
import pytest
import rasterio
import tifffile
from PIL import Image
from pydantic import ValidationError
from rasterio.errors import NotGeoreferencedWarning

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.files.raster import geo_tags, mask_missing, raster_size, read_raster
from searchctl.trainer.data.files.readers import RasterReader
from searchctl.trainer.data.files.reading import opened_image
from searchctl.trainer.data.sets.folders.folder import Folder
from searchctl.trainer.data.settings import FolderData

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{NotGeoreferencedWarning.__module__}.NotGeoreferencedWarning"
)


def values(dtype, bands=5, seed=0):
    drawn = np.random.default_rng(seed).integers(0, 250, (bands, 9, 13))
    return (drawn * (257 if np.dtype(dtype).itemsize > 1 else 1)).astype(dtype)


def written(path, array, **profile):
    """Write [bands, height, width] by GDAL."""
    count, height, width = array.shape
    shape = {"count": count, "height": height, "width": width, "dtype": array.dtype}
    with rasterio.open(path, "w", driver="GTiff", **shape, **profile) as file:
        file.write(array)
    return path


def by_gdal(path):
    with rasterio.open(path) as file:
        return np.moveaxis(file.read(), 0, -1).astype(np.float32)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize(
    "profile",
    [
        {},
        {"interleave": "band"},
        {"compress": "lzw", "predictor": 2},
        {"compress": "deflate", "tiled": True, "blockxsize": 16, "blockysize": 16},
        {"BIGTIFF": "YES"},
    ],
)
def test_a_tiff_holds_what_gdal_reads(tmp_path, dtype, profile):
    if dtype == "float32" and profile.get("predictor"):
        profile = {**profile, "predictor": 3}
    path = written(tmp_path / "x.tif", values(dtype), **profile)
    assert np.array_equal(read_raster(path, range(5)), by_gdal(path))
    assert raster_size(path) == (9, 13)


def test_chosen_bands_come_in_their_order(tmp_path):
    path = written(tmp_path / "x.tif", values("uint16"))
    assert np.array_equal(read_raster(path, [4, 0]), by_gdal(path)[..., [4, 0]])


def test_sixteen_bit_png_is_read_in_full(tmp_path):
    array = values("uint16", bands=3)
    path = tmp_path / "x.png"
    with rasterio.open(
        path, "w", driver="PNG", count=3, height=9, width=13, dtype="uint16"
    ) as file:
        file.write(array)
    assert np.array_equal(read_raster(path, [0, 1, 2]), np.moveaxis(array, 0, -1))


def test_grey_of_sixteen_bits_is_what_pillow_reads(tmp_path):
    Image.fromarray(values("uint16", bands=1)[0]).save(tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as picture:
        expected = np.asarray(picture)
    assert np.array_equal(read_raster(tmp_path / "x.png", [0])[..., 0], expected)


def test_an_array_file_is_what_numpy_reads(tmp_path):
    array = np.moveaxis(values("float32"), 0, -1)
    np.save(tmp_path / "x.npy", array)
    assert np.array_equal(read_raster(tmp_path / "x.npy", range(5)), array)
    assert raster_size(tmp_path / "x.npy") == (9, 13)


@pytest.mark.parametrize("stated", [True, False])
def test_nodata_and_values_that_are_no_numbers_are_missing(tmp_path, stated):
    array = values("float32")
    array[2, 3, 4], array[1, 5, 6], array[0, 7, 8] = -9999, np.nan, np.inf
    path = written(tmp_path / "x.tif", array, **({"nodata": -9999} if stated else {}))
    read = read_raster(path, range(5), None if stated else -9999)
    assert np.argwhere(np.isnan(read)).tolist() == [[3, 4, 2], [5, 6, 1], [7, 8, 0]]
    label = mask_missing(read, np.zeros((9, 13), np.uint8), 255)
    assert np.argwhere(label == 255).tolist() == [[3, 4], [5, 6], [7, 8]]


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of rasterio's own
def test_the_place_on_earth_is_kept(tmp_path):
    place = rasterio.transform.from_origin(500000, 4600000, 10, 10)
    path = written(tmp_path / "x.tif", values("uint16"), crs="EPSG:32633", transform=place)
    tags = geo_tags(path)
    assert tags["ModelTiepointTag"][3:5] == (500000.0, 4600000.0)
    assert 32633 in tags["GeoKeyDirectoryTag"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.tif", b"\0" * 128 + b"DICM", "is a DICOM file, which is not read"),
        ("x.png", b"\x5c\x01\0\0" + b"\0" * 400, "is a NIfTI file, which is not read"),
        ("x.npy", b"\x1f\x8b" + b"\0" * 9, "is a gzip file, which is not read: decompress it"),
        ("x.tif", b"nothing known here", "cannot be read"),
    ],
)
def test_other_formats_are_refused_by_name(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_raster(tmp_path / name, [0])


def test_a_stack_is_refused(tmp_path):
    pages = [Image.fromarray(values("uint8", bands=1, seed=s)[0]) for s in range(3)]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:])
    for read in (raster_size, lambda path: read_raster(path, [0])):
        with pytest.raises(DataError, match=r"is a stack of 3 pages.*tiffsplit"):
            read(tmp_path / "x.tif")


def test_a_pyramid_of_smaller_copies_is_no_stack(tmp_path):
    path = written(tmp_path / "x.tif", values("uint16"), tiled=True, blockxsize=16, blockysize=16)
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2], rasterio.enums.Resampling.nearest)
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 2
    assert np.array_equal(read_raster(path, range(5)), by_gdal(path))


def test_a_missing_band_is_named(tmp_path):
    path = written(tmp_path / "x.tif", values("uint8", bands=3))
    with pytest.raises(DataError, match=r"x.tif: has 3 bands, .* data.bands names 3"):
        read_raster(path, [0, 3])


def test_pictures_show_three_bands_from_their_darkest_to_their_brightest():
    image = np.dstack(
        [np.full((9, 10), 5.0), np.tile(np.arange(10.0) * 1000, (9, 1)), [[1.0]] * np.ones((9, 10))]
    ).astype(np.float32)
    image[0, 0] = np.nan
    shown = RasterReader([7, 8, 9], None, [8, 7, 9]).displayed(image)
    assert (shown.dtype, shown.shape) == (np.uint8, (9, 10, 3))
    assert shown[1, 0, 0] == 0
    assert shown[1, 9, 0] == 255
    assert not shown[..., 1:].any()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"nodata": 0}, "nodata has no effect without bands"),
        ({"bands": [0, 0]}, "names a band twice"),
        ({"bands": [0, 1], "band_mean": [1.0, 2.0]}, "give band_mean and band_std together"),
        ({"bands": [0], "band_mean": [1, 2], "band_std": [1, 2]}, "has 2 numbers, for 1 bands"),
        ({"bands": [0, 1], "shown_bands": [0, 1, 2]}, "2 is not among bands"),
    ],
)
def test_settings_that_do_not_fit_are_refused(given, words):
    with pytest.raises(ValidationError, match=words):
        FolderData(dataset="folder", root="x", classes=["a", "b"], image_size=(8, 8), **given)


@pytest.mark.parametrize("name", ["a.dcm", "a.nii", "a.nii.gz", "a.NRRD", "a.h5"])
@pytest.mark.parametrize("bands", [None, [0]])
def test_a_directory_of_other_formats_names_what_converts_them(tmp_path, name, bands):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    (tmp_path / "images" / name).write_bytes(b"anything")
    settings = FolderData(
        dataset="folder", root=tmp_path, classes=["a", "b"], image_size=(8, 8), bands=bands
    )
    with pytest.raises(DataError, match=rf"{name} is a .* file, which is not read: .*`numpy|dcmj2"):
        Folder(settings).check()


def test_a_dicom_file_called_png_is_named(tmp_path):
    (tmp_path / "x.png").write_bytes(b"\0" * 128 + b"DICM")
    with (
        pytest.raises(DataError, match=r"x.png: is a DICOM file"),
        opened_image(tmp_path / "x.png"),
    ):
        pass
