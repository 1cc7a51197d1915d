"""Finds the images that are to be predicted, and names what is written of each; torch-free."""

import glob
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from searchctl.trainer.core.errors import DataError, first_few


@dataclass(frozen=True)
class Found:
    """An image file."""

    path: Path
    name: PurePath
    """Its path below the directory, or the fixed part of the pattern, that it was found in."""


def find_images(
    arguments: Sequence[str], suffixes: Collection[str], outside: Collection[Path]
) -> list[Found]:
    """Return the images that files, directories and patterns name, each once, in their order.

    Args:
        arguments: each a file, a directory (with all images below it), or a pattern with * and **.
        suffixes: of images in directories and patterns; a file that is named may have another one.
        outside: directories whose files are left out: earlier predictions are no images.

    Raises:
        DataError: an argument names no image.
    """
    found: dict[Path, Found] = {}
    for argument in arguments:
        images = [
            each
            for each in _named_by(argument, suffixes)
            if not any(each.path.resolve().is_relative_to(folder.resolve()) for folder in outside)
        ]
        if not images:
            raise DataError(f"{argument}: there is no such image, directory of images, or pattern")
        for each in images:
            found.setdefault(each.path.resolve(), each)
    return list(found.values())


def _named_by(argument: str, suffixes: Collection[str]) -> Iterator[Found]:
    path = Path(argument)
    if path.is_dir():
        yield from _below(path, sorted(path.rglob("*")), suffixes)
    elif path.exists() or not glob.has_magic(argument):
        if path.is_file():
            yield Found(path, PurePath(path.name))
    else:
        matches = [Path(each) for each in sorted(glob.glob(argument, recursive=True))]
        yield from _below(_fixed_part(path), matches, suffixes)


def _below(folder: Path, paths: Sequence[Path], suffixes: Collection[str]) -> Iterator[Found]:
    for path in paths:
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.suffix.lower() in suffixes and not hidden and path.is_file():
            yield Found(path, name)


def _fixed_part(pattern: Path) -> Path:
    """Return the directories of a pattern before its first * or ?."""
    parts = pattern.parts
    first = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first])


def output_names(images: Sequence[Found]) -> list[PurePath]:
    """Return what the output of each image is called, without a suffix; all names differ.

    It is the image's relative name without its suffix. Images that share that keep the suffix in
    it, and those that share this too get the name of their directory before it.

    Raises:
        DataError: several images still share a name.

    >>> a, b = (Found(Path("x") / name, PurePath(name)) for name in ("a.jpg", "a.png"))
    >>> [str(name) for name in output_names([a, b])]
    ['a.jpg', 'a.png']
    """
    names = [each.name.with_suffix("") for each in images]
    for longer in (_with_suffix, _with_directory):
        counts = Counter(names)
        names = [
            longer(each) if counts[name] > 1 else name
            for each, name in zip(images, names, strict=True)
        ]
    counts = Counter(names)
    same = [each.path for each, name in zip(images, names, strict=True) if counts[name] > 1]
    if same:
        raise DataError(
            f"{first_few([str(path) for path in same])} would be written under one name: predict "
            "them one by one, each with another -o"
        )
    return names


def _with_suffix(image: Found) -> PurePath:
    return image.name


def _with_directory(image: Found) -> PurePath:
    above = image.path.resolve().parents[len(image.name.parts) - 1]
    return PurePath(above.name) / image.name
