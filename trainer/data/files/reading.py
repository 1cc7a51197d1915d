"""Opens image and mask files. What cannot be read as it is meant is refused by name."""

import glob
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags
from PIL import Image as Picture

from searchctl.trainer.core.errors import DataError, first_few
from searchctl.trainer.data.files.foreign import foreign
from searchctl.trainer.data.files.formats import header_of
from searchctl.trainer.data.files.header import Header
from searchctl.trainer.data.files.opening import open_file
from searchctl.trainer.data.files.refusals import fix, refuse_image, refuse_mask, refuse_turned

_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Picture.DecompressionBombError)
"""Errors of Pillow and NumPy on files that are missing, empty, truncated or not pictures."""
_MODES_WITH_OPACITY = ("RGBA", "LA", "PA", "P", "RGB", "L")
"""Modes of Pillow whose opacity can be read; those of RGB and L have a transparent colour."""
_SMALL = 1 << 18
"""Bytes of a file that is hashed as a whole."""
ANY_SUFFIX = ".*"
"""Suffix of a path that stands for files of any suffix."""


@dataclass(frozen=True)
class Traits:
    """Contents of a file besides its pixels."""

    orientation: int = 1
    """EXIF's orientation of the stored rows; 1 means upright."""
    see_through: bool = False
    """Whether a pixel is not opaque; opacity is not read."""
    palette: tuple[tuple[int, int, int], ...] = ()
    """Colours by their numbers, of a file whose pixels are such numbers."""
    pictures: int = 1
    """Pictures in the file; a camera may add previews or a second eye's view (MPO)."""


@contextmanager
def opened_image(path: Path, *, may_be_turned: bool = False) -> Iterator[Picture.Image]:
    """Open an image that `as_rgb` can turn into 8-bit RGB without loss.

    Args:
        path: of the image.
        may_be_turned: whether a TIFF may say that its rows are stored turned; Pillow turns them
            back, so that they do not lie below the rows of a mask.

    Raises:
        DataError: the file is missing or broken, or holds more than that: deeper channels, more
            bands, several pages. Errors within the block get its path, too.
    """
    with named(path):
        header = _header(path)
        refuse_image(header)
        if not may_be_turned:
            refuse_turned(header)
        with _opened(path, header) as picture:
            yield picture


@contextmanager
def opened_mask(path: Path) -> Iterator[Picture.Image]:
    """Open a mask; the values of the picture are those that the file holds.

    Raises:
        DataError: as `opened_image` does; or the file's compression changes values, or its values
            are not whole numbers.
    """
    with named(path):
        header = _header(path)
        refuse_mask(header)
        refuse_turned(header)
        with _opened(path, header) as picture:
            yield _unscaled(picture, header)


def image_size(path: Path) -> tuple[int, int]:
    """Return the height and width of an image, from its header.

    Raises:
        DataError: as `opened_image` does.
    """
    with named(path):
        header = _header(path)
        refuse_image(header)
        refuse_turned(header)
        return _size(path, header)


def mask_size(path: Path) -> tuple[int, int]:
    """Return the height and width of a mask, from its header.

    Raises:
        DataError: as `opened_mask` does; its values are not looked at.
    """
    with named(path):
        header = _header(path)
        refuse_mask(header)
        refuse_turned(header)
        return _size(path, header)


def _size(path: Path, header: Header) -> tuple[int, int]:
    height, width = header.size
    if height * width and (not (most := Picture.MAX_IMAGE_PIXELS) or height * width <= most):
        return height, width
    with _opened(path, header) as picture:  # or it is refused for its many pixels
        return picture.height, picture.width


def allow_pixels(count: int) -> None:
    """Let this process open images of so many pixels; Pillow refuses files of more.

    The limit is Pillow's own and holds for the process: it is raised, and never lowered.
    """
    # Pillow warns of more than its limit, and refuses more than twice as many
    if Picture.MAX_IMAGE_PIXELS is not None:
        Picture.MAX_IMAGE_PIXELS = max(Picture.MAX_IMAGE_PIXELS, count // 2)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Put the path before the words of an error within the block."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except FileNotFoundError as error:
        raise DataError(f"{path}: {_missing(path)}") from error
    except _UNREADABLE as error:
        raise DataError(f"{path}: cannot be read ({_reason(error)})") from error


def _missing(path: Path) -> str:
    if path.is_symlink():
        return "is a link to a file that is missing"
    if path.suffix != ANY_SUFFIX:
        return "is missing"
    there = sorted(each.name for each in path.parent.glob(f"{glob.escape(path.stem)}.*"))
    others = f"; {first_few(there)} is of no kind that is read" if there else ""
    return f"is missing, whatever the suffix{others}"


def as_rgb(picture: Picture.Image) -> Picture.Image:
    """Convert the file's actual format (a GIF named .jpg, an RGBA PNG) to RGB without alpha.

    Raises:
        DataError: it has more than 8 bits a channel, which would be clipped.
    """
    if picture.mode.startswith(("I", "F")):
        raise DataError(f"has {picture.mode} pixels, and 8 bits a channel are read: {fix(1)}")
    if picture.mode == "P":  # straight to RGB warns where the palette has transparency
        picture = picture.convert("RGBA")
    return picture.convert("RGB")


def traits_of(picture: Picture.Image) -> Traits:
    """Return what an opened picture holds besides its pixels; it is decoded for that."""
    picture.load()
    palette: tuple[tuple[int, int, int], ...] = ()
    if picture.mode == "P":
        colours = np.array(picture.getpalette("RGB") or [], dtype=np.int64).reshape(-1, 3)
        palette = tuple((int(r), int(g), int(b)) for r, g, b in colours)
    pictures = getattr(picture, "n_frames", 1) if picture.format == "MPO" else 1
    return Traits(orientation_of(picture), _see_through(picture), palette, pictures)


def orientation_of(picture: Picture.Image) -> int:
    """Return EXIF's orientation of the stored rows: 1..8, and 1 if there is none."""
    number = picture.getexif().get(ExifTags.Base.Orientation, 1)
    return number if isinstance(number, int) and 1 <= number <= 8 else 1


def is_on_its_side(picture: Picture.Image) -> bool:
    """Return whether EXIF data make the picture's rows its columns."""
    return orientation_of(picture) >= 5


def content_hash(path: Path) -> bytes:
    """Return a hash of a file's bytes: 16 bytes.

    Raises:
        OSError: the file cannot be read.
    """
    with open_file(path) as file:
        if os.fstat(file.fileno()).st_size <= _SMALL:
            return hashlib.blake2b(file.readall(), digest_size=16).digest()
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()


def _header(path: Path) -> Header:
    header = header_of(path)
    if header is None and (words := foreign(path)):
        raise DataError(words)
    if header is None:
        with Picture.open(path) as picture:  # raises on what is no picture at all
            raise DataError(f"is a {picture.format} file, which is not read: convert it to PNG")
    return header


@contextmanager
def _opened(path: Path, header: Header) -> Iterator[Picture.Image]:
    if header.format == "NPY":
        yield _picture_of(np.load(path, mmap_mode="r", allow_pickle=False))
        return
    with Picture.open(path) as picture:
        yield picture


def _picture_of(array: npt.NDArray[np.generic]) -> Picture.Image:
    """Return an array's values as a picture: [h, w] or [h, w, 1] of any whole numbers, or RGB."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8:
        return Picture.fromarray(np.ascontiguousarray(array))
    if array.ndim != 2:
        shape = "x".join(map(str, array.shape))
        raise DataError(
            f"is an array of {shape} {array.dtype} values; height x width, or height x width x 3 "
            "of uint8, is read"
        )
    if array.dtype == np.uint8:
        return Picture.fromarray(np.ascontiguousarray(array))
    return Picture.fromarray(_whole_numbers(array))


def _whole_numbers(array: npt.NDArray[np.generic]) -> npt.NDArray[np.int32]:
    with np.errstate(invalid="ignore"):  # NaN is no whole number, as the next line finds
        whole: npt.NDArray[np.int32] = array.astype(np.int32)
    if not np.array_equal(whole, array):
        different = np.asarray(array[whole != array]).ravel()[0]
        raise DataError(f"holds the value {different}, and whole numbers are read")
    return whole


def _unscaled(picture: Picture.Image, header: Header) -> Picture.Image:
    """Take back what Pillow does to values: it spreads 2 and 4 bits over 0..255."""
    if header.format != "NPY" and picture.mode == "F":
        return Picture.fromarray(_whole_numbers(np.asarray(picture)))
    if picture.mode == "L" and header.bits in (2, 4) and not header.palette:
        step = 255 // (2**header.bits - 1)
        return Picture.fromarray(np.asarray(picture) // np.uint8(step))
    return picture


def _see_through(picture: Picture.Image) -> bool:
    if not picture.has_transparency_data or picture.mode not in _MODES_WITH_OPACITY:
        return False
    return bool(np.asarray(picture.convert("RGBA").getchannel("A")).min() < 255)


def _reason(error: BaseException) -> str:
    if isinstance(error, Picture.DecompressionBombError):
        return (
            "it has more pixels than data.max_pixels allows: set that higher if you trust the file"
        )
    return "it is empty" if "empty file" in str(error) else str(error)
