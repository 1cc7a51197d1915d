"""Pixels of each format as an independent reader has them, or the file is refused by name."""

import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.files.reading import (
    as_rgb,
    image_size,
    opened_image,
    opened_mask,
    traits_of,
)
from tests.images.file_bytes import packed, png, tiff

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (9, 13, 3), dtype=np.uint8)
IDS = RNG.integers(0, 4, (9, 13), dtype=np.uint8)


def image_at(path):
    with opened_image(path) as picture:
        return np.asarray(as_rgb(picture))


def mask_at(path):
    with opened_mask(path) as picture:
        return np.asarray(picture)


def by_opencv(path):
    stored = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return stored[..., ::-1]


def put(tmp_path, content, name="a.png"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.jpg", {"quality": 95}),
        ("a.bmp", {}),
        ("a.gif", {}),
        ("a.tif", {}),
        ("lzw.tif", {"compression": "tiff_lzw"}),
        ("deflate.tif", {"compression": "tiff_deflate"}),
        ("jpeg.tif", {"compression": "jpeg"}),
        ("a.webp", {"lossless": True}),
        ("lossy.webp", {"quality": 90}),
        ("a.ppm", {}),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_images_have_the_pixels_that_opencv_reads(tmp_path, name, options, mode):
    path = tmp_path / name
    Image.fromarray(COLOUR).convert(mode).save(path, **options)
    difference = image_at(path).astype(int) - by_opencv(path)
    most = 3 if name == "lossy.webp" else 1 if name in ("a.jpg", "jpeg.tif") else 0
    assert np.abs(difference).max() <= most


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("colour_type", [0, 3])
def test_ids_of_few_bits_are_the_stored_ones_in_png(tmp_path, bits, colour_type):
    ids = IDS % min(4, 2**bits)
    palette = [(b"PLTE", bytes(range(12)) + bytes(3 * (2**bits - 4)))] if bits > 1 else []
    palette = palette or [(b"PLTE", bytes(range(6)))]
    path = put(tmp_path, png(ids, bits, colour_type, palette if colour_type == 3 else ()))
    assert np.array_equal(mask_at(path), ids)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("order", ["<", ">"])
def test_ids_of_any_bits_are_the_stored_ones_in_tiff(tmp_path, bits, order):
    ids = (IDS % min(4, 2**bits)).astype(np.uint16 if bits == 16 else np.uint8)
    path = put(tmp_path, tiff(ids, bits=bits, order=order), "a.tif")
    assert np.array_equal(mask_at(path), ids)


@pytest.mark.parametrize("colours", [2, 4, 16, 200])
def test_ids_are_the_stored_ones_in_bmp_and_gif(tmp_path, colours):
    ids = RNG.integers(0, colours, (9, 13), dtype=np.uint8)
    picture = Image.fromarray(ids).convert("P")
    picture.putpalette(RNG.permutation(768).astype(np.uint8).tolist())
    for name in ("a.bmp", "a.gif"):
        picture.save(tmp_path / name, **({"optimize": False} if name == "a.gif" else {}))
        assert np.array_equal(mask_at(tmp_path / name), ids)


@pytest.mark.parametrize(
    ("bits", "grey"), [(1, True), (8, True), (1, False), (4, False), (8, False)]
)
def test_a_bmp_of_any_palette_gives_its_numbers(tmp_path, bits, grey):
    ids = RNG.integers(0, 2**bits, (9, 13), dtype=np.uint8)
    colours = np.zeros((2**bits, 4), np.uint8)
    colours[:, :3] = np.arange(2**bits)[:, None] if grey else RNG.integers(0, 256, (2**bits, 3))
    rows = b"".join((row := packed(each, bits)) + b"\0" * (-len(row) % 4) for each in ids[::-1])
    head = struct.pack("<IiiHHIIiiII", 40, 13, 9, 1, bits, 0, len(rows), 0, 0, 2**bits, 0)
    start = 14 + len(head) + colours.nbytes
    file = struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start)
    path = put(tmp_path, file + head + colours.tobytes() + rows, "a.bmp")
    assert np.array_equal(mask_at(path), ids)


@pytest.mark.parametrize("dtype", ["u1", "i4", "<u2", ">i8", "?", "f4"])
def test_arrays_of_whole_numbers_are_masks(tmp_path, dtype):
    ids = (IDS % 2).astype(dtype)
    np.save(tmp_path / "a.npy", ids)
    assert np.array_equal(mask_at(tmp_path / "a.npy"), ids)


def test_arrays_of_bytes_are_images(tmp_path):
    np.save(tmp_path / "a.npy", COLOUR)
    np.save(tmp_path / "grey.npy", IDS[..., None])
    assert np.array_equal(image_at(tmp_path / "a.npy"), COLOUR)
    assert np.array_equal(image_at(tmp_path / "grey.npy")[..., 1], IDS)


DEEP = COLOUR.astype(np.uint16) * 12
FIVE = np.dstack([COLOUR, COLOUR[..., :2]])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (png(DEEP, 16, 2), "has 16 bits a channel"),
        (png(DEEP[..., 0], 16, 0), "has 16 bits a channel"),
        (png(np.dstack([DEEP, DEEP[..., 0]]), 16, 6), "has 16 bits a channel"),
        (png(DEEP[..., :2], 16, 4), "has 16 bits a channel"),
        (tiff(DEEP), "has 16 bits a channel"),
        (tiff(DEEP, big=True), "has 16 bits a channel"),
        (tiff(DEEP, order=">"), "has 16 bits a channel"),
        (tiff(COLOUR.astype(np.float32), t339=(3, 3, 3)), "has float values"),
        (tiff(COLOUR.view(np.int8), t339=(2, 2, 2)), "has signed values"),
        (tiff(FIVE, t338=(0, 0)), "has 5 bands"),
        (tiff(FIVE[..., :4], t338=(0,)), "has 4 bands"),
        (tiff(FIVE[..., :4]), "has 4 bands"),
        (tiff(FIVE[..., :2], t262=(1,), t338=(0,)), "has 2 bands"),
        (tiff(COLOUR, pages=10), "has 10 pages"),
        (tiff(COLOUR, t274=(6,)), "stored turned"),
        (tiff(COLOUR, t262=(8,)), "photometric interpretation 8"),
        (b"P5\n# a comment\n2 1\n65535\n\0\1\0\2", "has 16 bits a channel"),
        (b"P5 2 1 15\n\1\2", "has 15 for its largest value"),
        (b"", "it is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "its header ends too early"),
        (b"no picture", "cannot identify image file"),
    ],
)
def test_what_would_be_cut_or_crushed_is_refused_by_name(tmp_path, content, words):
    with pytest.raises(DataError, match=rf"{tmp_path}/a\.png: .*{words}"):
        image_at(put(tmp_path, content))


@pytest.mark.parametrize(
    ("values", "tags"),
    [
        (COLOUR, {}),
        (COLOUR, {"order": ">"}),
        (COLOUR, {"big": True}),
        (np.dstack([COLOUR, np.full((9, 13), 255, np.uint8)]), {"t338": (2,)}),
        (COLOUR[..., 0], {}),
        (COLOUR[..., 0], {"t262": (0,)}),
    ],
)
def test_tiffs_of_bytes_have_the_stored_pixels(tmp_path, values, tags):
    read = image_at(put(tmp_path, tiff(np.ascontiguousarray(values), **tags), "a.tif"))
    grey = values.ndim == 2
    expected = np.dstack([values] * 3) if grey else values[..., :3]
    assert np.array_equal(read, 255 - expected if "t262" in tags else expected)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.jpg", {}, "a JPEG file with lossy compression"),
        ("a.webp", {"quality": 100}, "a WEBP file with lossy compression"),
        ("a.tif", {"compression": "jpeg"}, "a TIFF file with lossy compression"),
        ("a.jp2", {}, "a JPEG2000 file"),
    ],
)
def test_masks_whose_compression_changes_values_are_refused(tmp_path, name, options, words):
    Image.fromarray(IDS).save(tmp_path / name, **options)
    with pytest.raises(DataError, match=words):
        mask_at(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tiff(IDS.astype(np.float32) / 2, t339=(3,)), "holds the value [01].5"),
        (tiff(IDS, t262=(0,)), "in which 0 means white"),
        (tiff(IDS.view(np.int8), t339=(2,)), "signed 8-bit"),
        (tiff(IDS, pages=2), "has 2 pages"),
        (tiff(DEEP), "has 3 channels of 16 bits"),
        (b"P4\n8 1\n\xaa", "in which 0 means white"),
    ],
)
def test_masks_that_may_be_read_in_two_ways_are_refused(tmp_path, content, words):
    with pytest.raises(DataError, match=words):
        mask_at(put(tmp_path, content, "a.tif"))


@pytest.mark.parametrize("format", ["gif", "webp", "png", "tiff"])
def test_animations_and_stacks_are_refused(tmp_path, format):
    frames = [Image.fromarray(np.roll(COLOUR, i, axis=0)) for i in range(3)]
    path = tmp_path / f"a.{format}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match="has 3 pages"):
        image_at(path)


def test_overviews_and_masks_in_a_tiff_are_no_pages(tmp_path):
    two = tiff(COLOUR, pages=2, t254=(0,))
    at = two.rfind(struct.pack("<HHII", 254, 4, 1, 0))
    path = put(tmp_path, two[: at + 8] + b"\1\0\0\0" + two[at + 12 :], "a.tif")
    assert np.array_equal(image_at(path), COLOUR)


def test_fractions_are_no_mask_and_nan_is_none(tmp_path):
    for value in (0.5, np.nan):
        np.save(tmp_path / "a.npy", np.full((2, 2), value, np.float32))
        with pytest.raises(DataError, match=f"holds the value {value}"):
            mask_at(tmp_path / "a.npy")


def test_what_a_picture_holds_besides_its_pixels_is_known(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6
    Image.fromarray(COLOUR).save(tmp_path / "a.jpg", exif=exif)
    Image.fromarray(np.dstack([COLOUR, IDS])).save(tmp_path / "a.png")
    with opened_image(tmp_path / "a.jpg") as turned, opened_image(tmp_path / "a.png") as clear:
        assert (traits_of(turned).orientation, traits_of(turned).see_through) == (6, False)
        assert (traits_of(clear).orientation, traits_of(clear).see_through) == (1, True)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.gif", "a.tif", "a.webp", "a.ppm"])
def test_headers_state_the_size_of_the_picture(tmp_path, name):
    Image.fromarray(COLOUR).save(tmp_path / name)
    assert image_size(tmp_path / name) == COLOUR.shape[:2]
