"""What the lists and the directories of a data set name."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from searchctl.trainer.core.errors import DataError

LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""What file managers leave behind, in lower case."""


def files_below(root: Path, used: Iterable[Path]) -> tuple[Path, ...]:
    """Return the files below a directory that are not used, without hidden ones and litter."""
    taken, found = {*used}, []
    for place, directories, names in os.walk(root, followlinks=True):
        directories[:] = [each for each in directories if not is_litter(each)]
        found += [Path(place, name) for name in names if not is_litter(name)]
    return tuple(path for path in found if path not in taken)


def is_litter(name: str) -> bool:
    """Return whether a file or directory is hidden, or left behind by a file manager."""
    return name.startswith(".") or name.lower() in LITTER


def read_list(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each line of a split's list with its place (path:number), without the blank ones.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); is `root` right?") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield line.strip(), f"{path}:{number}"


def visible(directory: Path) -> list[Path]:
    """List a directory without dot files: archives made on a Mac hold a ._x.png beside x.png.

    Raises:
        DataError: it is missing or cannot be listed.
    """
    try:
        return sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"{directory}: cannot be listed ({error}); is `root` right?") from error


def files_like(directory: Path, pattern: str) -> dict[str, Path]:
    """Return the files whose whole name fits a pattern, by its first group, in their order.

    Raises:
        DataError: the directory cannot be listed.
    """
    fits = ((re.fullmatch(pattern, path.name), path) for path in visible(directory))
    return {fit[1]: path for fit, path in fits if fit}


def some_files_like(directory: Path, pattern: str, example: str) -> dict[str, Path]:
    """Return what `files_like` does.

    Args:
        directory: where to look.
        pattern: of whole names; its first group is what a file is called.
        example: what such a name looks like, for the message.

    Raises:
        DataError: no file is like that, or the directory cannot be listed.
    """
    files = files_like(directory, pattern)
    if not files:
        raise DataError(f"{directory}: holds no {example}; is `root` right?")
    return files
