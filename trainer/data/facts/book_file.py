"""The file in which a book is kept: a line for each file's content hash, and one for each pair.

Lines are only ever added, so that a check writes what it learned and no more. Of two lines on one
file the later holds. A line that a killed process left in part is skipped.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchctl.trainer.data.facts.image_facts import Counts, ImageFacts
from searchctl.trainer.data.sets.base import Seen

Line = tuple[str, bytes] | tuple[bytes, ImageFacts]
"""A file's path with its state and content hash, or the content hashes of a pair's files with what
the pair holds."""


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a file that can be read; nothing if there is no such file."""
    with suppress(OSError), path.open("rb") as file:
        for line in file:
            with suppress(ValueError, TypeError, IndexError):
                yield _line(json.loads(line))


def add_lines(path: Path, lines: Iterable[Line]) -> None:
    """Add lines to a file, all together.

    Raises:
        OSError: the file cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two processes may learn something at once
        file.write(b"\n")  # ends what a killed process left
        for line in lines:
            file.write(json.dumps(_written(*line), separators=(",", ":")).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _line(stored: Sequence[Any]) -> Line:
    kind, key, *values = stored
    if kind == "file":
        return key, bytes.fromhex(values[0])
    return bytes.fromhex(key), _facts(*values)


def _written(key: str | bytes, known: bytes | ImageFacts) -> list[Any]:
    if isinstance(known, bytes):
        return ["file", key, known.hex()]
    assert isinstance(key, bytes)
    seen = known.seen
    return [
        "pair",
        key.hex(),
        known.size,
        [len(known.pixels), _sparse(known.pixels)],
        known.unlabeled,
        known.digest.hex(),
        [len(known.left), np.flatnonzero(known.left).tolist()],
        known.near.hex(),
        list(astuple(seen)),
        known.label_digest.hex(),
    ]


def _facts(
    size: list[int],
    pixels: list[Any],
    unlabeled: int,
    digest: str,
    left: list[Any],
    near: str,
    seen: list[Any],
    label_digest: str,
) -> ImageFacts:
    turned, clear, values, palette, mask_turned, pictures, mask_clear, strays = seen
    colours = tuple((value, tuple(colour)) for value, colour in palette)
    return ImageFacts(
        (size[0], size[1]),
        _dense(*pixels),
        unlabeled,
        bytes.fromhex(digest),
        _marked(*left),
        bytes.fromhex(near),
        Seen(
            turned,
            clear,
            tuple(values),
            colours,
            mask_turned,
            pictures,
            mask_clear,
            tuple((red, green, blue) for red, green, blue in strays),
        ),
        bytes.fromhex(label_digest),
    )


def _sparse(counts: Counts) -> list[list[int]]:
    """Return [class, pixels] of the classes that occur: few of many, as a rule."""
    return [[int(place), int(counts[place])] for place in np.flatnonzero(counts)]


def _dense(length: int, pairs: list[list[int]]) -> Counts:
    counts = np.zeros(length, np.int64)
    for place, pixels in pairs:
        counts[place] = pixels
    return counts


def _marked(length: int, places: list[int]) -> npt.NDArray[np.bool_]:
    marks = np.zeros(length, np.bool_)
    marks[places] = True
    return marks
