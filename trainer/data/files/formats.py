"""Which format a file is of, by its first bytes, and what its header states."""

import mmap
import struct
from collections.abc import Callable
from pathlib import Path

from searchctl.trainer.data.files.header import Buffer, Header, HeaderError
from searchctl.trainer.data.files.opening import open_file
from searchctl.trainer.data.files.tiff import tiff_header

_SMALL = 1 << 15
"""Bytes of a file that is read as a whole; mapping a file into memory takes longer."""


def header_of(path: Path) -> Header | None:
    """Read a file's header; None for a format that is not known here.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is empty, or its header is broken.
    """
    with open_file(path) as file:
        start = file.read(_SMALL + 1)
        if len(start) <= _SMALL:
            return _parsed(start)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _parsed(content)


def _parsed(content: Buffer) -> Header | None:
    if not len(content):
        raise HeaderError("empty file")
    for magic, parse in _FORMATS.items():
        if content[: len(magic)] == magic:
            try:
                return parse(content)
            except (struct.error, IndexError) as error:
                raise HeaderError("its header ends too early") from error
    return None


def _png(content: Buffer) -> Header:
    """Chunks: https://www.w3.org/TR/png-3/#11IHDR; acTL says how many frames an animation has."""
    bits, colour_type = content[24], content[25]
    pages, place = 1, 8
    while place + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, place)
        if name == b"acTL":
            pages = struct.unpack_from(">I", content, place + 8)[0]
        if name == b"IDAT":
            break
        place += 12 + length
    bands = 3 if colour_type in (2, 6) else 1
    width, height = struct.unpack_from(">II", content, 16)
    return Header("PNG", (height, width), bits, bands, pages=pages, palette=colour_type == 3)


def _jpeg(content: Buffer) -> Header:
    """Segments up to the frame's (SOF0 to SOF15), which has the precision and the components."""
    place = 2
    while True:
        marker = content[place + 1]
        if content[place] != 0xFF:
            raise HeaderError("its header is broken")
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            bits, height, width, bands = struct.unpack_from(">BHHB", content, place + 4)
            return Header("JPEG", (height, width), bits, bands, lossy=True, cmyk=bands == 4)
        place += 2 + struct.unpack_from(">H", content, place + 2)[0]


def _webp(content: Buffer) -> Header:
    """RIFF chunks: VP8 is lossy, VP8L is not, ANMF is a frame of an animation."""
    place, lossy, frames = 12, False, 0
    while place + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, place)
        lossy = lossy or name == b"VP8 "
        frames += name == b"ANMF"
        place += 8 + length + length % 2
    return Header("WEBP", pages=max(1, frames), lossy=lossy)


def _gif(content: Buffer) -> Header:
    """Blocks: 0x2C is a picture, 0x21 an extension, 0x3B the end."""
    place, pages = 13 + _gif_palette(content[10]), 0
    while place < len(content) and content[place] != 0x3B:
        if content[place] == 0x2C:
            pages += 1
            place += 11 + _gif_palette(content[place + 9])
        else:
            place += 2
        while content[place]:
            place += 1 + content[place]
        place += 1
    return Header("GIF", bands=1, pages=max(1, pages), palette=True)


def _gif_palette(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _bmp(content: Buffer) -> Header:
    size = struct.unpack_from("<I", content, 14)[0]
    bits = struct.unpack_from("<H", content, 24 if size == 12 else 28)[0]
    return Header("BMP", bits=min(bits, 8), bands=1 if bits <= 8 else 3, palette=bits <= 8)


def _netpbm(content: Buffer) -> Header:
    """P1..P6: bitmap, grey, colour. The largest value follows width and height."""
    kind = content[1] - ord("0")
    if kind in (1, 4):
        return Header("PPM", bits=1, bands=1, inverted=True)
    if kind not in (2, 3, 5, 6):
        return Header("PPM", odd=f"is of the kind P{chr(content[1])}")
    lines = bytes(content[2:2048]).splitlines()
    words = b" ".join(line.partition(b"#")[0] for line in lines).split()
    if len(words) < 3:
        raise HeaderError("its header ends too early")
    largest = int(words[2])
    odd = "" if largest in (255, 65535) else f"has {largest} for its largest value"
    bits, bands = 8 if largest < 256 else 16, 1 if kind in (2, 5) else 3
    return Header("PPM", bits=bits, bands=bands, odd=odd)


def _npy(content: Buffer) -> Header:
    return Header("NPY")


_FORMATS: dict[bytes, Callable[[Buffer], Header]] = {
    b"\x89PNG\r\n\x1a\n": _png,
    b"\xff\xd8\xff": _jpeg,
    b"RIFF": _webp,
    b"GIF8": _gif,
    b"BM": _bmp,
    b"P1": _netpbm,
    b"P2": _netpbm,
    b"P3": _netpbm,
    b"P4": _netpbm,
    b"P5": _netpbm,
    b"P6": _netpbm,
    b"II": tiff_header,
    b"MM": tiff_header,
    b"\x93NUMPY": _npy,
}
"""First bytes of a file -> what reads the rest of its header."""
