"""Collects the files of a user's own code: what is imported, and what `code:` names."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.ray.shadowing import hides_a_library
from searchctl.orchestrator.own_code.child import import_apart
from searchctl.trainer.own_code.files import check_names, code_hash, hashes_of
from searchctl.trainer.own_code.imports import use_contents

LIMIT_BYTES = 20_000_000
"""Most bytes of all files together."""
IMAGES = frozenset(
    {
        *(".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"),
        *(".npy", ".npz"),
    }
)
"""Suffixes of files that are data and not code."""
_LARGEST = 3


@dataclass(frozen=True)
class Collected:
    """The files of a sweep's own code, before they are stored."""

    origin: Path
    """Directory that they were taken from: that of the sweep file."""
    contents: Mapping[str, bytes]
    """Content of each file by its name, relative to the directory."""

    @cached_property
    def files(self) -> dict[str, str]:
        """SHA-256 of each file by its name, as it is stored with the sweep."""
        return hashes_of(self.contents)

    @property
    def hash(self) -> str:
        """SHA-256 of all names and contents."""
        return code_hash(self.files)

    def use(self) -> None:
        """Import the user's modules from copies of these files from now on."""
        use_contents(self.contents, str(self.origin))


def collect_code(
    folder: Path, parts: Sequence[str], paths: Sequence[str] = (), networks: Sequence[str] = ()
) -> Collected:
    """Import own parts in a child process, and read all files that they are made of.

    Args:
        folder: directory of the sweep file.
        parts: the own parts, "module:object". Without any, nothing is imported.
        paths: files and directories that the imports do not show, relative to the directory.
        networks: those of the parts that must be networks.

    Raises:
        SearchctlError: a part cannot be imported, or is no network; a file cannot be read; or a
            path is missing, holds an image, or hides a library, or has the name of another file
            that is imported; or all files together are too large.
    """
    folder = folder.absolute()
    names = import_apart(folder, parts, networks=networks) if parts else ()
    imported = {name: folder / name for name in names}
    named = named_files(folder, paths)
    _refuse_other_files(imported, named)
    places = imported | named
    _refuse_hiding(folder, places)
    _refuse_large(places)
    try:
        return Collected(folder, {name: places[name].read_bytes() for name in sorted(places)})
    except OSError as error:
        raise SearchctlError(f"code: cannot read {error.filename or 'a file'}: {error}") from error


def named_files(folder: Path, paths: Iterable[str]) -> dict[str, Path]:
    """Return the files below the paths of `code:`, by the name under which they travel.

    A path outside of the directory travels under its own last name. Hidden files, caches and, in a
    directory, images are left out.

    Raises:
        SearchctlError: a path is missing or is an image; or two have the same name.
    """
    found: dict[str, Path] = {}
    for written in paths:
        place = folder / Path(written).expanduser()
        inside = Path(os.path.abspath(place))
        top = str(inside.relative_to(folder)) if inside.is_relative_to(folder) else inside.name
        for name, path in _below(written, place, "" if top == "." else top):
            if found.setdefault(name, path) != path:
                raise SearchctlError(f"code: {found[name]} and {path} have the same name: {name}")
    try:
        check_names(found)
    except ValueError as error:
        raise SearchctlError(f"code: {error}") from None
    return found


def _refuse_other_files(imported: Mapping[str, Path], named: Mapping[str, Path]) -> None:
    """Refuse a path of `code:` that would take the place of another file that is imported."""
    for name in sorted({*imported} & {*named}):
        if not named[name].samefile(imported[name]):
            raise SearchctlError(
                f"code: {imported[name]} and {named[name]} have the same name: {name}"
            )


def _below(written: str, place: Path, top: str) -> Iterator[tuple[str, Path]]:
    if place.is_file():
        if place.suffix.lower() in IMAGES:
            raise SearchctlError(
                f"code: {written} is data, and only code travels: put it below data.root"
            )
        yield Path(top).as_posix(), place
    elif place.is_dir():
        for path in sorted(place.rglob("*")):
            inner = path.relative_to(place)
            if path.is_file() and not _is_left_out(inner):
                yield (Path(top) / inner).as_posix(), path
    else:
        raise SearchctlError(f"code: there is no {place}: name files or directories beside it")


def _is_left_out(path: Path) -> bool:
    hidden = any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    return hidden or "site-packages" in path.parts or path.suffix.lower() in IMAGES


def _refuse_hiding(folder: Path, names: Iterable[str]) -> None:
    tops = sorted({Path(name).parts[0] for name in names})
    modules = [top for top in tops if top.endswith(".py") or "." not in top]
    if hiding := [top for top in modules if hides_a_library(folder / top)]:
        raise SearchctlError(
            *(
                f"{folder / top} hides the module '{Path(top).stem}' of a library: rename it"
                for top in hiding
            )
        )


def _refuse_large(places: Mapping[str, Path]) -> None:
    sizes = {name: path.stat().st_size for name, path in places.items()}
    total = sum(sizes.values())
    if total > LIMIT_BYTES:
        largest = sorted(sizes, key=lambda name: -sizes[name])[:_LARGEST]
        listed = ", ".join(f"{name} ({sizes[name] / 1e6:.1f} MB)" for name in largest)
        raise SearchctlError(
            f"own code has {total / 1e6:.1f} MB in {len(sizes)} files, and at most "
            f"{LIMIT_BYTES / 1e6:.0f} MB travel; the largest are {listed}: name less in `code:`, "
            "and put data below data.root"
        )
