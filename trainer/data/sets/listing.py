"""Names in the lists and directories of a data set."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from searchctl.trainer.core.errors import DataError

LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""Files of file managers, in lower case."""


def files_below(root: Path, used: Iterable[Path]) -> tuple[Path, ...]:
    """Return the files below a directory that are not used, without hidden ones and litter."""
    taken = {*used}
    paths = (Path(place, name) for place, names in walk(root) for name in names)
    return tuple(path for path in paths if path not in taken)


def walk(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each directory with the names of its files, without hidden ones and litter.

    Links to directories are followed, but not those that lead to a directory above them.
    """
    for place, directories, names in os.walk(root, followlinks=True):
        here = Path(os.path.realpath(place))
        directories[:] = sorted(
            each
            for each in directories
            if not is_litter(each) and not here.is_relative_to(os.path.realpath(here / each))
        )
        yield place, sorted(name for name in names if not is_litter(name))


def is_litter(name: str) -> bool:
    """Return whether a file or directory is hidden, or left behind by a file manager."""
    return name.startswith(".") or name.lower() in LITTER


def read_list(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each line of a split's list with its place (path:number).

    Blank lines, and lines that start with #, are left out.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is no text in UTF-8: save it as such") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error}); is `root` right?") from error
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
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
