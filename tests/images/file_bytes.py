"""Image files written byte by byte, of kinds that Pillow does not write."""

import struct
import zlib

import numpy as np


def png(values, bits, colour_type, chunks=()):
    """Return a PNG of [h, w] or [h, w, bands] values, packed to so many bits each."""
    height, width = values.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + packed(row.ravel(), bits) for row in values)
    body = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in body)


def packed(values, bits):
    """Return values as bytes, the highest bits first."""
    if bits == 16:
        return values.astype(">u2").tobytes()
    ones = np.unpackbits(values.astype(np.uint8)[:, None], axis=1)[:, 8 - bits :]
    return np.packbits(ones).tobytes()


def tiff(values, *, bits=None, big=False, order="<", pages=1, **tags):
    """Return an uncompressed TIFF of [h, w] or [h, w, bands] values.

    Args:
        values: of each page.
        bits: of a value; those of the array's type by default.
        big: write a BigTIFF.
        order: of bytes.
        pages: how often the same page is written.
        tags: more tags or others, by number: `t338=(0, 0)`.
    """
    height, width = values.shape[:2]
    bands = values.shape[2] if values.ndim == 3 else 1
    bits = bits or values.dtype.itemsize * 8
    stored = values.astype(values.dtype.newbyteorder(order)).tobytes()
    if bits < 8:
        stored = b"".join(packed(row.ravel(), bits) for row in values)
    entries = {
        256: (width,),
        257: (height,),
        258: (bits,) * bands,
        259: (1,),
        262: (2 if bands >= 3 else 1,),
        277: (bands,),
        278: (height,),
        279: (len(stored),),
        **{int(name[1:]): value for name, value in tags.items()},
    }
    content = bytearray(
        (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    )
    content += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8)
    for page in range(pages):
        content += _directory(entries, stored, len(content), page == pages - 1, big, order)
    return bytes(content)


def _directory(entries, stored, start, last, big, order):
    count_code, place_code, inline = ("Q", "Q", 8) if big else ("H", "I", 4)
    size = struct.calcsize(order + count_code + place_code) + (len(entries) + 1) * (
        20 if big else 12
    )
    extra, rows = bytearray(), []
    for tag, values in {**entries, 273: None}.items():
        if values is None:
            rows.append((tag, 16 if big else 4, 1, None))
            continue
        body = struct.pack(f"{order}{len(values)}I", *values)
        if len(body) > inline:
            rows.append(
                (tag, 4, len(values), struct.pack(order + place_code, start + size + len(extra)))
            )
            extra += body
        else:
            rows.append((tag, 4, len(values), body.ljust(inline, b"\0")))
    pixels = struct.pack(order + place_code, start + size + len(extra))
    out = struct.pack(order + count_code, len(rows))
    for tag, kind, count, body in sorted(rows, key=lambda row: row[0]):
        out += struct.pack(order + "HH" + place_code, tag, kind, count) + (body or pixels)
    end = start + size + len(extra) + len(stored)
    return out + struct.pack(order + place_code, 0 if last else end) + bytes(extra) + stored


def _chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
