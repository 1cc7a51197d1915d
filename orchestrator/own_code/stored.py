"""The copies of a sweep's own code among its files.

    <runs>/<sweep>/code/<first 16 digits of the hash>/<names as beside the sweep file>

The database has the hash of every file, so a copy that was changed is never imported.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from upath import UPath

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.own_code.collect import Collected, named_files
from searchctl.trainer.core.atomic_files import write_atomically
from searchctl.trainer.core.errors import CodeError
from searchctl.trainer.own_code.files import OwnCode, code_hash, hashes_of

FOLDER = "code"
"""Directory of the copies in the sweep's directory."""
_DIGITS = 16
"""Digits of the hash in the name of the copies' directory."""


def store_code(collected: Collected, runs: UPath) -> OwnCode:
    """Copy own code to a sweep's files, unless it is there and whole.

    Raises:
        OSError: it cannot be written.
    """
    code = stored_code(collected.files, runs, str(collected.origin))
    for name in code.damaged():
        write_atomically(code.folder / name, collected.contents[name])
    return code


def stored_code(files: Mapping[str, str], runs: UPath, origin: str) -> OwnCode:
    """Return the copies of files with these hashes; they are not read.

    Args:
        files: SHA-256 of each file by its name, as stored with the sweep.
        runs: directory of the sweep's files.
        origin: directory that the files were taken from; an empty text if that does not matter.
    """
    folder = runs / FOLDER / code_hash(files)[:_DIGITS]
    return OwnCode(folder, tuple(files.items()), origin)


def recovered_code(code: OwnCode, paths: Iterable[str]) -> Collected:
    """Read a sweep's copies; a damaged one is replaced by the original, if that is as launched.

    Nothing is written: `store_code` replaces what is damaged.

    Raises:
        SearchctlError: a copy is missing or damaged, and so is the original.
    """
    try:
        return Collected(Path(code.origin), code.contents())
    except CodeError as error:
        return Collected(Path(code.origin), _originals(code, paths, error))


def _originals(code: OwnCode, paths: Iterable[str], error: CodeError) -> dict[str, bytes]:
    found = present_files(code.files, Path(code.origin), paths)
    hashes = hashes_of(found)
    for name, sha256 in code.files:
        if hashes.get(name) != sha256:
            raise SearchctlError(
                f"own code: {error}, and {Path(code.origin) / name} is not it either: restore "
                f"the file with the SHA-256 {sha256} at one of these places"
            ) from error
    return {name: found[name] for name, _ in code.files}


def present_files(
    files: Iterable[tuple[str, str]], origin: Path, paths: Iterable[str]
) -> dict[str, bytes]:
    """Return the files of these names, as they are where they came from; some may be gone.

    Files that `code:` names count too, so that added ones are noticed.
    """
    if not origin.is_absolute():
        return {}  # launched without a file
    try:
        named = named_files(origin, paths)
    except SearchctlError:  # a path is gone
        named = {}
    places = {name: origin / name for name, _ in files} | named
    return {name: path.read_bytes() for name, path in places.items() if path.is_file()}


def changed_files(code: OwnCode, paths: Iterable[str]) -> list[str]:
    """Return the names of files that are no longer what was launched. Files that are gone are not.

    Nothing is imported: a file that the launch did not import cannot change a result.
    """
    launched = dict(code.files)
    found = hashes_of(present_files(code.files, Path(code.origin), paths))
    return [name for name, sha256 in found.items() if launched.get(name) != sha256]
