"""Files of a data set's directory that are not read."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from searchctl.trainer.core.errors import first_few
from searchctl.trainer.data.checks.leaks import counted
from searchctl.trainer.data.checks.report import Unused
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.sets.files import SPLITS

_PAPERS = frozenset(
    {".txt", ".md", ".rst", ".pdf", ".html", ".json", ".csv", ".xml", ".yaml", ".yml", ".py"}
)
"""Kinds of files that describe data: they are counted, and not warned of."""
_NOTES = frozenset({"readme", "license", "licence", "copying", "notice", "authors", "changes"})
"""Names of such files without a suffix, in lower case; any other such file may be an image."""
_NUMBERED = ".<number>"
"""Kind of all files whose suffix is a number: series of slices are named like that."""
_MOST_LINES = 6


def unused_of(dataset: Dataset) -> tuple[Unused, ...]:
    """Return the files below the data set's directory that are not read, by directory and kind."""
    root = dataset.root
    if root is None:
        return ()
    kinds: dict[tuple[str, str], list[str]] = {}
    masks = _mask_places(dataset)
    for path in dataset.unused():
        place = path.relative_to(root).parent.as_posix()
        kinds.setdefault((place, _kind_of(path)), []).append(path.name)
    return tuple(
        Unused(place, suffix, tuple(sorted(names)), (root / place, suffix) in masks)
        for (place, suffix), names in sorted(kinds.items())
    )


def _kind_of(path: Path) -> str:
    suffix = path.suffix.lower()
    return _NUMBERED if suffix[1:].isdecimal() else suffix


def pairing_warnings(dataset: Dataset) -> Iterator[str]:
    """Report masks of several images, and names that look equal and are not."""
    images: dict[Path, list[str]] = {}
    spelled = []
    for split in SPLITS:
        for index, name in enumerate(dataset.names(split)):
            image, *mask = dataset.files_of(split, index) or (Path(),)
            for path in mask:
                images.setdefault(path, []).append(f"{split}/{name}")
                if {_composed(image), _composed(path)} == {True, False}:
                    spelled.append(name)
    if spelled:
        yield (
            f"the names of {counted(spelled, 'image')} and of their masks write accents in two "
            "ways (Unicode NFC and NFD): they are taken for equal"
        )
    shared = [each for each in images.values() if len(each) > 1]
    if shared:
        yield (
            f"{sum(map(len, shared))} images share {len(shared)} "
            f"mask file{'s' * (len(shared) != 1)} with others ({first_few(shared[0])}): is each "
            "mask that of its image?"
        )


def _composed(path: Path) -> bool | None:
    """Return whether accents and their letters are one character each; None of a plain name."""
    return None if path.stem.isascii() else unicodedata.is_normalized("NFC", path.stem)


def _mask_places(dataset: Dataset) -> set[tuple[Path, str]]:
    """Return the directories, and kinds of files, from which masks and no images are read."""
    pairs = [
        dataset.files_of(split, index)
        for split in SPLITS
        for index in range(len(dataset.names(split)))
    ]
    images, masks = (
        {(pair[place].parent, pair[place].suffix.lower()) for pair in pairs if len(pair) == 2}
        for place in (0, 1)
    )
    return masks - images


def unused_warnings(unused: Sequence[Unused]) -> Iterator[str]:
    """Report unread files, the largest kinds first."""
    kinds = sorted(filter(None, map(_of_pictures, unused)), key=lambda each: -len(each.names))
    yield from map(line_of, kinds[:_MOST_LINES])
    if kinds[_MOST_LINES:]:
        files = sum(len(each.names) for each in kinds[_MOST_LINES:])
        places = [each.directory for each in kinds[_MOST_LINES:]]
        yield f"{files} more files are not read, in {first_few(list(dict.fromkeys(places)))}"


def _of_pictures(unused: Unused) -> Unused | None:
    """Return those of the files that may be images or masks; None if there are none."""
    if unused.suffix in _PAPERS:
        return None
    names = tuple(name for name in unused.names if unused.suffix or name.lower() not in _NOTES)
    return replace(unused, names=names) if names else None


def line_of(unused: Unused) -> str:
    """Return one kind of unused files, for people.

    >>> line_of(Unused("images", ".webp", ("a.webp", "b.webp")))
    '2 .webp files of images/ are not read (a.webp, b.webp)'
    """
    count, place = len(unused.names), "" if unused.directory == "." else f"{unused.directory}/"
    where = f"of {place}" if place else "of the data set's directory"
    kind = f"{unused.suffix} file{'s' * (count != 1)}".strip()
    kind += " without a suffix" * (not unused.suffix)
    verb = "are" if count != 1 else "is"
    reason = ": no image has such a name" * unused.of_masks
    return f"{count} {kind} {where} {verb} not read ({first_few(unused.names)}){reason}"
