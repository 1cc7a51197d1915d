"""The name of an entry of the decoded cache: its kind, and a hash of everything it depends on.

So an entry with the right name has the right content, and edited files are decoded again.
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
from searchctl.trainer.data import checks, files
from searchctl.trainer.data import sets as datasets
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.settings import PLACES, DataSettings, Split

FACTS = 3
"""Number of the facts of a pair that are kept; files of another number are not read."""
FORMAT = 3
"""Version of an entry's content; increased when the content changes."""
_SIZES = {"image_size", "cache_size"}
_ENTRY = re.compile(r"\w+-(train|val|test)-(exact|source)-\w+-[0-9a-f]{20}")

Kind = Literal["exact", "source"]


@dataclass(frozen=True)
class Need:
    """A required entry; its split has at least one image."""

    split: Split
    kind: Kind
    """exact: stretched to the training size. source: at the original size, or with the longer side
    at most `data.cache_size`."""


def entry_name(data: DataSettings, dataset: Dataset, need: Need) -> str:
    """Return the name of an entry's directory.

    Two entries have the same name if the same files (by path, size and modification time) are
    decoded by the same code to the same size.

    Raises:
        DataError: a file of the data set is missing or does not match.
    """
    exact = "x".join(map(str, data.image_size))
    size = exact if need.kind == "exact" else str(data.cache_size)
    parts = [
        f"{FORMAT} {PIL.__version__} {cv2.__version__} {_decoders()}",
        data.model_dump_json(exclude={*PLACES, *_SIZES}),
        *dataset.names(need.split),
        *_files(dataset, need.split),
        *([dataset.code] if dataset.code else []),
    ]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
    return f"{_word(data)}-{need.split}-{need.kind}-{size}-{digest}"


def book_name(data: DataSettings, dataset: Dataset) -> str:
    """Return the name of the file that keeps what the pairs of a data set hold."""
    parts = [f"facts {FACTS}", _decoders(), data.model_dump_json(exclude={*PLACES, "cache_size"})]
    parts += [dataset.code] if dataset.code else []
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
    return f"facts-{_word(data)}-{digest}.jsonl"


def _word(data: DataSettings) -> str:
    """Return the data set's name as one word: a class of the user's own is an import path."""
    return re.sub(r"\W", "_", data.dataset)


def is_entry_name(name: str) -> bool:
    """Return whether a directory of this name is an entry; other directories are never touched.

    >>> is_entry_name("camvid-val-exact-360x480-0123456789abcdef0123"), is_entry_name("thesis")
    (True, False)
    """
    return _ENTRY.fullmatch(name) is not None


def _files(dataset: Dataset, split: Split) -> list[str]:
    """Return path, size and times of each file.

    The size is not enough, since an edited mask may have the same size.
    """
    try:
        stats = [(path, path.stat()) for path in dataset.files(split)]
        parts = dataset.fingerprint_parts()
    except OSError as error:
        dataset.check()  # raises an error with all missing files, not just the first
        raise DataError(f"{error.filename}: {error.strerror}") from error
    return [
        *parts,
        *(f"{path} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}" for path, stat in stats),
    ]


def decoding_modules() -> list[Path]:
    """Return the files of all code that decodes, sorted."""
    folders = [*datasets.__path__, *files.__path__, *checks.__path__]
    return sorted(file for folder in folders for file in Path(folder).rglob("*.py"))


@cache
def _decoders() -> str:
    """Return a hash of the decoding code, so that a fixed bug does not leave wrong entries."""
    code = b"".join(module.read_bytes() for module in decoding_modules())
    return hashlib.sha256(code).hexdigest()
