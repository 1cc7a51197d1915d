"""The header of a TIFF file: its directories, in either byte order, classic or BigTIFF."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from searchctl.trainer.data.files.header import Buffer, Header, HeaderError, Numbers

_SUBFILE, _WIDTH, _HEIGHT = 254, 256, 257
_BITS, _COMPRESSION, _PHOTOMETRIC = 258, 259, 262
_ORIENTATION, _BANDS, _EXTRA, _NUMBERS = 274, 277, 338, 339
_REDUCED_OR_MASK = 1 | 4
_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
"""TIFF's integer types as `struct` names them; a tag of another type is not needed here."""
_LOSSLESS = frozenset({1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000})
"""Compressions that keep every value: none, fax, LZW, Deflate, PackBits, LZMA, Zstandard. The
others (JPEG, JPEG 2000, WebP, LERC, JPEG XL) may change values."""
_KNOWN_COLOURS = frozenset({0, 1, 2, 3, 5, 6})
"""Photometric interpretations: grey (0: inverted), RGB, palette, CMYK, YCbCr."""
_NUMBER_NAMES: dict[int, Numbers] = {1: "unsigned", 2: "signed", 3: "float", 4: "unsigned"}
_MOST_PAGES = 100_000


@dataclass(frozen=True)
class _Kind:
    """How a file writes its directories."""

    order: str
    big: bool

    def unpack(self, code: str, content: Buffer, place: int) -> tuple[int, ...]:
        return struct.unpack_from(self.order + code, content, place)


Tags = dict[int, tuple[int, ...]]


def tiff_header(content: Buffer) -> Header:
    """Read what the first page holds, and how many pages there are."""
    directories = list(_directories(content))
    if not directories:
        raise HeaderError("has no page")
    tags = directories[0]
    pages = sum(not _first(each, _SUBFILE, 0) & _REDUCED_OR_MASK for each in directories)
    bits, bands = tags.get(_BITS, (1,)), _first(tags, _BANDS, 1)
    alphas = sum(extra in (1, 2) for extra in tags.get(_EXTRA, ()))
    colours = _first(tags, _PHOTOMETRIC, 1)
    numbers = {_NUMBER_NAMES.get(each, "float") for each in tags.get(_NUMBERS, (1,))}
    odd = "" if colours in _KNOWN_COLOURS else f"has the photometric interpretation {colours}"
    if len({*bits}) > 1 or len(numbers) > 1:
        odd = "has bands of different kinds"
    if _first(tags, _SUBFILE, 0) & _REDUCED_OR_MASK:
        odd = "begins with a thumbnail"
    return Header(
        "TIFF",
        (_first(tags, _HEIGHT, 0), _first(tags, _WIDTH, 0)),
        max(bits),
        bands - alphas,
        next(iter(numbers)),
        pages,
        lossy=_first(tags, _COMPRESSION, 1) not in _LOSSLESS,
        palette=colours == 3,
        inverted=colours == 0,
        turned=_first(tags, _ORIENTATION, 1) != 1,
        cmyk=colours == 5,
        odd=odd,
    )


def _directories(content: Buffer) -> Iterator[Tags]:
    order = "<" if content[:2] == b"II" else ">"
    version = struct.unpack_from(order + "H", content, 2)[0]
    if version not in (42, 43):
        raise HeaderError("its header is broken")
    kind = _Kind(order, version == 43)
    (place,) = kind.unpack("Q", content, 8) if kind.big else kind.unpack("I", content, 4)
    seen: set[int] = set()
    while place and place not in seen and len(seen) < _MOST_PAGES:
        seen.add(place)
        tags, place = _directory(kind, content, place)
        yield tags


def _directory(kind: _Kind, content: Buffer, place: int) -> tuple[Tags, int]:
    """Return a directory's tags of whole numbers, and the place of the next directory."""
    (count,) = kind.unpack("Q" if kind.big else "H", content, place)
    place += 8 if kind.big else 2
    width, inline = (20, 8) if kind.big else (12, 4)
    tags: Tags = {}
    for at in range(place, place + width * count, width):
        tag, code, values = kind.unpack("HHQ" if kind.big else "HHI", content, at)
        if code in _CODES and values:
            size = struct.calcsize(kind.order + _CODES[code]) * values
            where = at + width - inline
            if size > inline:
                (where,) = kind.unpack("Q" if kind.big else "I", content, where)
            if tag in _NEEDED:
                tags[tag] = kind.unpack(f"{values}{_CODES[code]}", content, where)
    (following,) = kind.unpack("Q" if kind.big else "I", content, place + width * count)
    return tags, following


_NEEDED = frozenset(
    {_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC}
    | {_ORIENTATION, _BANDS, _EXTRA, _NUMBERS}
)


def _first(tags: Tags, tag: int, default: int) -> int:
    return tags.get(tag, (default,))[0]
