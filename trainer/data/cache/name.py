"""What an entry of the decoded cache is called: what it is, and a hash of all that it depends on.

What is found under a name is therefore right, and what was edited is decoded again.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import cv2
import PIL

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data import files
from searchctl.trainer.data import sets as datasets
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.settings import PLACES, DataSettings, Split

FORMAT = 1
"""Raised when what lies in an entry changes."""
_SIZES = {"image_size", "cache_size"}
_ENTRY = re.compile(r"\w+-(train|val|test)-(exact|source)-\w+-[0-9a-f]{20}")

Kind = Literal["exact", "source"]


@dataclass(frozen=True)
class Need:
    """An entry that somebody needs: of a split that holds images."""

    split: Split
    kind: Kind
    """exact: stretched to the training size. source: at the images' own size, or with the longer
    side at most `data.cache_size`."""


def entry_name(data: DataSettings, dataset: Dataset, need: Need) -> str:
    """Return the name of an entry's directory.

    Two entries have the same one if the same files, by path, size and time of the last change, are
    decoded by the same code to the same size.

    Raises:
        DataError: a file of the data set is missing or does not fit.
    """
    exact = "x".join(map(str, data.image_size))
    size = exact if need.kind == "exact" else str(data.cache_size)
    parts = [
        f"{FORMAT} {PIL.__version__} {cv2.__version__} {_decoders()}",
        data.model_dump_json(exclude={*PLACES, *_SIZES}),
        *dataset.names(need.split),
        *_files(dataset, need.split),
    ]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
    return f"{data.dataset}-{need.split}-{need.kind}-{size}-{digest}"


def is_entry_name(name: str) -> bool:
    """Is a directory of this name an entry? What is none may be anything, and stays untouched.

    >>> is_entry_name("camvid-val-exact-360x480-0123456789abcdef0123"), is_entry_name("thesis")
    (True, False)
    """
    return _ENTRY.fullmatch(name) is not None


def _files(dataset: Dataset, split: Split) -> list[str]:
    """Return path, size and time of each file; a mask may be edited without changing its size."""
    try:
        stats = [(path, path.stat()) for path in dataset.files(split)]
        parts = dataset.fingerprint_parts()
    except OSError as error:
        dataset.check()  # names all that is wrong
        raise DataError(f"{error.filename}: {error.strerror}") from error
    return [*parts, *(f"{path} {stat.st_size} {stat.st_mtime_ns}" for path, stat in stats)]


@cache
def _decoders() -> str:
    """Return a hash of the code that decodes: what it got wrong is not kept once it is fixed."""
    folders = [*datasets.__path__, *files.__path__]
    modules = sorted(file for folder in folders for file in Path(folder).glob("*.py"))
    return hashlib.sha256(b"".join(module.read_bytes() for module in modules)).hexdigest()
