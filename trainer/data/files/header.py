"""Contents of an image file's header, read from its bytes and not from a library's mode.

Pillow reads a 16-bit RGB PNG as 8-bit RGB, five bands as three, and 2-bit ids 0..3 as 0..255. The
header is the only place that states what the file holds.
"""

import mmap
from dataclasses import dataclass
from typing import Literal

Buffer = mmap.mmap | bytes
Numbers = Literal["unsigned", "signed", "float"]


@dataclass(frozen=True)
class Header:
    """Contents of a file."""

    format: str
    """PNG, JPEG, TIFF, WEBP, GIF, BMP, PPM, or NPY."""
    size: tuple[int, int] = (0, 0)
    """Height and width in pixels; zeros where the header is not asked for them."""
    bits: int = 8
    """Bits of a channel; of a pixel where it has a palette."""
    bands: int = 3
    """Channels, opacity not counted."""
    numbers: Numbers = "unsigned"
    """Meaning of a channel's bits."""
    pages: int = 1
    """Pictures in the file, without thumbnails and overviews."""
    lossy: bool = False
    """Whether the pixels may differ from what was saved."""
    palette: bool = False
    """Whether a pixel is the number of a colour."""
    inverted: bool = False
    """Whether 0 is white."""
    turned: bool = False
    """Whether the file, and not EXIF data in it, says that its rows are not rows of the picture."""
    cmyk: bool = False
    """Whether four bands are inks."""
    odd: str = ""
    """Unsupported features, in words."""


class HeaderError(ValueError):
    """The bytes are no header of a known format, or end too early."""
