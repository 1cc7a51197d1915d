"""The files of a user's own code, by name and content, in the sweep's directory."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from upath import UPath

from searchctl.trainer.core.atomic_files import read_file
from searchctl.trainer.core.errors import OWN_PACKAGE, CodeError, first_few


@dataclass(frozen=True)
class OwnCode:
    """Copies of a user's own files; a job carries this, and not the files."""

    folder: UPath
    """Directory of the copies. Every node that runs jobs sees it."""
    files: tuple[tuple[str, str], ...]
    """Name of each file, relative to the directory, and the SHA-256 of its content."""
    origin: str = ""
    """Directory that the files were taken from. Nothing is imported from there."""

    @property
    def hash(self) -> str:
        """SHA-256 of all names and contents."""
        return code_hash(dict(self.files))

    def contents(self) -> dict[str, bytes]:
        """Read all files, and check that they are what was stored.

        Raises:
            CodeError: a file is missing or differs; each is named.
        """
        found = self._found()
        if damaged := [name for name, content in found.items() if content is None]:
            raise CodeError(
                f"{first_few(damaged)} in {self.folder}: missing, or changed since it was stored"
            )
        return {name: content for name, content in found.items() if content is not None}

    def damaged(self) -> list[str]:
        """Return the names of files that are missing or differ from what was stored."""
        return [name for name, content in self._found().items() if content is None]

    def _found(self) -> dict[str, bytes | None]:
        return {name: _content(self.folder / name, sha256) for name, sha256 in self.files}


def code_hash(files: Mapping[str, str]) -> str:
    """Return one SHA-256 for files of these names and SHA-256, whatever their order.

    >>> code_hash({"a.py": "1", "b.py": "2"}) == code_hash({"b.py": "2", "a.py": "1"})
    True
    """
    return hashlib.sha256(json.dumps(sorted(files.items())).encode()).hexdigest()


def hashes_of(contents: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file, by its name, in the order of the names."""
    return {name: hashlib.sha256(contents[name]).hexdigest() for name in sorted(contents)}


def check_names(names: Iterable[str]) -> None:
    """Check that files of these names stay in the directory where they are written.

    Raises:
        ValueError: a name leaves the directory, or would replace a module of searchctl.
    """
    for name in names:
        path = PurePosixPath(name)
        plain = str(path) == name and not {"\\", "\0"} & {*name} and ".." not in path.parts
        if not plain or path.is_absolute() or name == "." or path.parts[0] == OWN_PACKAGE:
            raise ValueError(f"'{name[:200]}' cannot be a file of own code")


def safe_names(files: dict[str, str]) -> dict[str, str]:
    """Check the names of files of own code.

    Raises:
        ValueError: one leaves the directory where it is written.
    """
    check_names(files)
    return files


def _content(path: UPath, sha256: str) -> bytes | None:
    """Return the content of a file; None if it is missing or its hash differs."""
    try:
        content = read_file(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None
