"""Facts of the pairs of a data set, stored beside the decoded cache.

A file's content hash is remembered by its path, size, mtime and ctime. What a pair holds is
remembered by the content hashes of its files. So only what changed is read again, and moved or
copied data are the same data.
"""

import struct
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from searchctl.trainer.data.facts.book_file import Line, add_lines, read_lines
from searchctl.trainer.data.facts.image_facts import ImageFacts, Seeing, facts_of
from searchctl.trainer.data.files.reading import content_hash
from searchctl.trainer.data.sets.base import Dataset, Reading, Seen
from searchctl.trainer.data.sets.files import SPLITS
from searchctl.trainer.data.settings import Split

_STATE = struct.Struct("<Qqq")
"""A file's size, mtime and ctime."""


class Book:
    """What is known of a data set's pairs; threads may use it at once.

    Args:
        dataset: the data set.
        seeing: how networks see the images, if that is known.
        path: of the file that keeps it; None to keep it in memory alone.
    """

    def __init__(
        self, dataset: Dataset, seeing: Seeing | None = None, path: Path | None = None
    ) -> None:
        self.seeing = seeing
        self._dataset = dataset
        self._path = path
        self._files: dict[str, bytes] = {}
        self._facts: dict[bytes, ImageFacts] = {}
        self._seen: dict[Seen, Seen] = {}
        self._drawn: dict[tuple[Split, int], ImageFacts] = {}
        self._new: dict[str | bytes, None] = {}
        self._lock = threading.Lock()
        for line in read_lines(path) if path else ():
            self._take(*line)

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
            return self._facts.get(self._key(split, index))
        return None

    def knows_all(self) -> bool:
        """Return whether it is known what each pair holds; files that are new here are hashed."""
        return all(
            self.known(split, index)
            for split in SPLITS
            for index in range(len(self._dataset.names(split)))
        )

    def note(self, split: Split, index: int, reading: Reading) -> ImageFacts:
        """Take note of a pair that was read, and return what it holds."""
        facts = facts_of(self._dataset, reading, self.seeing)
        if not self._dataset.files_of(split, index):
            self._drawn[split, index] = facts
            return facts
        key = self._key(split, index)
        with self._lock:
            self._take(key, facts)
            self._new[key] = None
        return self._facts[key]

    def hashes(self, split: Split, index: int) -> tuple[str, ...]:
        """Return the content hash of each file of a pair; a file is read if that is not known.

        Raises:
            OSError: a file cannot be read.
        """
        return tuple(self._hash(path).hex() for path in self._dataset.files_of(split, index))

    def save(self) -> None:
        """Keep what is known; a directory that cannot be written to costs only time later."""
        if self._path is None or not self._new:
            return
        with self._lock:
            new, self._new = self._new, {}
        with suppress(OSError):
            add_lines(self._path, map(self._line, new))

    def _line(self, key: str | bytes) -> Line:
        return (key, self._files[key]) if isinstance(key, str) else (key, self._facts[key])

    def _key(self, split: Split, index: int) -> bytes:
        return b"".join(self._hash(path) for path in self._dataset.files_of(split, index))

    def _hash(self, path: Path) -> bytes:
        stat = path.stat()
        state = _STATE.pack(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        known = self._files.get(str(path), b"")
        if not known.startswith(state):
            known = state + content_hash(path)
            with self._lock:
                self._take(str(path), known)
                self._new[str(path)] = None
        return known[_STATE.size :]

    def _take(self, key: str | bytes, known: bytes | ImageFacts) -> None:
        if isinstance(key, str) and isinstance(known, bytes):
            self._files[key] = known
        if isinstance(key, bytes) and isinstance(known, ImageFacts):
            # most pairs are seen alike: one object for all of them
            self._facts[key] = replace(known, seen=self._seen.setdefault(known.seen, known.seen))
