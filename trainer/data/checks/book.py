"""Facts of the pairs of a data set, stored beside the decoded cache.

A file's content hash is remembered by its path, size, mtime and ctime. What a pair holds is
remembered by the content hashes of its files. So only what changed is read again, and moved or
copied data are the same data.
"""

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from upath import UPath

from searchctl.trainer.core.atomic_files import write_atomically
from searchctl.trainer.data.checks.facts import Counts, ImageFacts, facts_of
from searchctl.trainer.data.files.reading import content_hash
from searchctl.trainer.data.resizing import Size
from searchctl.trainer.data.sets.base import Dataset, Reading, Seen
from searchctl.trainer.data.settings import Split


class Book:
    """What is known of a data set's pairs; threads may use it at once.

    Args:
        dataset: the data set.
        image_size: the training size.
        path: of the file that keeps it; None to keep it in memory alone.
    """

    def __init__(
        self, dataset: Dataset, image_size: Size | None = None, path: Path | None = None
    ) -> None:
        self.image_size = image_size
        self._dataset = dataset
        self._path = path
        self._hashes, self._facts = _stored(path)
        self._drawn: dict[tuple[Split, int], ImageFacts] = {}
        self._changed = False
        self._lock = threading.Lock()

    def facts(self, split: Split, index: int) -> ImageFacts:
        """Return what a pair holds; it is decoded if that is not known.

        Raises:
            DataError: a file is missing, cannot be read or does not fit.
        """
        known = self.known(split, index)
        return known or self.note(split, index, self._dataset.read(split, index))

    def known(self, split: Split, index: int) -> ImageFacts | None:
        """Return what a pair holds, if that is known without decoding it."""
        if not self._dataset.files_of(split, index):
            return self._drawn.get((split, index))
        with suppress(OSError):
            key = self._key(split, index)
            if key in self._facts:
                return _read(self._facts[key])
        return None

    def knows(self, split: Split, index: int) -> bool:
        """Return whether it is known what a pair holds."""
        with suppress(OSError):
            return self._key(split, index) in self._facts
        return False

    def note(self, split: Split, index: int, reading: Reading) -> ImageFacts:
        """Take note of a pair that was read, and return what it holds."""
        facts = facts_of(self._dataset, reading, self.image_size)
        if self._dataset.files_of(split, index):
            key = self._key(split, index)
            with self._lock:
                self._facts[key] = _written(facts)
                self._changed = True
        else:
            self._drawn[split, index] = facts
        return facts

    def hashes(self, split: Split, index: int) -> tuple[str, ...]:
        """Return the content hash of each file of a pair; a file is read if that is not known.

        Raises:
            OSError: a file cannot be read.
        """
        return tuple(self._hash(path) for path in self._dataset.files_of(split, index))

    def save(self) -> None:
        """Keep what is known; a directory that cannot be written to costs only time later."""
        if self._path is None or not self._changed:
            return
        with self._lock:
            hashes, facts = _stored(self._path)  # another process may have learned something, too
            content = json.dumps(
                {"files": {**hashes, **self._hashes}, "facts": {**facts, **self._facts}},
                separators=(",", ":"),
            )
            self._changed = False
        with suppress(OSError):
            write_atomically(UPath(self._path), content.encode())

    def _key(self, split: Split, index: int) -> str:
        return " ".join(self.hashes(split, index))

    def _hash(self, path: Path) -> str:
        stat = path.stat()
        state = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        *before, digest = self._hashes.get(str(path), [""])
        if before != state:
            digest = content_hash(path)
            with self._lock:
                self._hashes[str(path)] = [*state, digest]
                self._changed = True
        return str(digest)


def _stored(path: Path | None) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return the content hashes and the facts that a file keeps; nothing if it is not whole."""
    if path is None:
        return {}, {}
    try:
        content = json.loads(path.read_bytes())
        return content["files"], content["facts"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}, {}


def _written(facts: ImageFacts) -> list[Any]:
    return [
        facts.size,
        len(facts.pixels),
        _sparse(facts.pixels),
        facts.unlabeled,
        facts.digest.hex(),
        len(facts.left),
        _sparse(facts.left),
        facts.near.hex(),
        _written_seen(facts.seen),
    ]


def _written_seen(seen: Seen) -> list[Any]:
    opened = [seen.turned, seen.see_through, _pairs(seen.values), _pairs(seen.palette)]
    return [*opened, seen.mask_turned, seen.pictures]


def _read(stored: list[Any]) -> ImageFacts:
    size, classes, pixels, unlabeled, digest, known, left, near, seen = stored
    turned, clear, values, palette, mask_turned, pictures = seen
    colours = {value: tuple(colour) for value, colour in palette}
    return ImageFacts(
        tuple(size),
        _dense(pixels, classes),
        unlabeled,
        bytes.fromhex(digest),
        _dense(left, known),
        bytes.fromhex(near),
        Seen(turned, clear, dict(values), colours, mask_turned, pictures),
    )


def _sparse(counts: Counts) -> list[list[int]]:
    """Return [class, pixels] of the classes that occur: few of many, as a rule."""
    return [[int(place), int(counts[place])] for place in np.flatnonzero(counts)]


def _dense(pairs: list[list[int]], length: int) -> Counts:
    counts = np.zeros(length, np.int64)
    for place, pixels in pairs:
        counts[place] = pixels
    return counts


def _pairs(values: Mapping[int, Any]) -> list[tuple[int, Any]]:
    return list(values.items())
