"""Fingerprints of data: of a sample's names, of all files' contents, of their names and sizes."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.opening import book_of, build_dataset, of_whole_images
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.sets.files import SPLITS
from searchctl.trainer.data.settings import DataSettings, ListsData


def sample_hash(names: Iterable[str]) -> str:
    """Return a fingerprint of the names and their order: 16 hexadecimal digits."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


@lru_cache(maxsize=4)
def data_fingerprint(data: DataSettings) -> str:
    """Return a fingerprint of the contents of all files and their names below the data set's root.

    It is 'content-' and 16 hexadecimal digits. Moved or copied data have the same one. What the
    decoding has seen is not read again.

    Raises:
        DataError: a file is missing.
    """
    if isinstance(data, ListsData):  # lines, and not files
        return f"content-{sample_hash(build_dataset(data).fingerprint_parts())}"
    dataset, book = of_whole_images(data), book_of(data)
    with _missing_named(dataset):
        files = [
            f"{split}/{name} {' '.join(book.hashes(split, index))}"
            for split in SPLITS
            for index, name in enumerate(dataset.names(split))
        ]
        book.save()
        drawn = () if dataset.root else dataset.fingerprint_parts()
    return f"content-{sample_hash([*sorted(files), *drawn])}"


@lru_cache(maxsize=4)
def listing_fingerprint(data: DataSettings) -> str:
    """Return a fingerprint of the names and sizes of all files: 16 hexadecimal digits.

    It reads no file, so that every node of a cluster can compare it before the first job.

    Raises:
        DataError: a file is missing.
    """
    dataset = build_dataset(data)
    with _missing_named(dataset):
        return sample_hash(dataset.fingerprint_parts())


def same_data(data: DataSettings, fingerprint: str) -> bool:
    """Return whether the data set is the one that had a fingerprint.

    Sweeps of version 0.1 have that of names and sizes.

    Raises:
        DataError: a file is missing.
    """
    of_content = fingerprint.startswith("content-")
    return fingerprint == (data_fingerprint(data) if of_content else listing_fingerprint(data))


@contextmanager
def _missing_named(dataset: Dataset) -> Iterator[None]:
    """Name every file that is missing when one is."""
    try:
        yield
    except OSError as error:
        dataset.check()
        raise DataError(f"{error.filename}: {error.strerror}") from error
