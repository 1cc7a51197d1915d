"""Pairs of images and masks in the layouts that people have: directories, lists, a table."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from searchctl.trainer.core.errors import DataError, first_few
from searchctl.trainer.data.files.reading import ANY_SUFFIX
from searchctl.trainer.data.sets.files import SPLITS, Pair
from searchctl.trainer.data.sets.folders.flat_hints import flat_hint
from searchctl.trainer.data.sets.folders.folder_hints import (
    layout_hint,
    name_hint,
    nothing_here,
    split_hint,
    unread_hint,
)
from searchctl.trainer.data.sets.folders.folder_table import SPLIT_NAMES, rows_of
from searchctl.trainer.data.sets.listing import read_list, walk
from searchctl.trainer.data.settings import FolderData, Split
from searchctl.trainer.data.settings.folder_layout import SPLIT

Found = dict[Split, list[Pair]]


class PairFinder:
    """Finds the pairs of the splits that a layout gives.

    Args:
        settings: of the data set.
        image_kinds: extensions of images, in lower case.
        mask_kinds: extensions of masks.
    """

    def __init__(
        self, settings: FolderData, image_kinds: Iterable[str], mask_kinds: Iterable[str]
    ) -> None:
        self._settings = settings
        self._root = settings.root
        self._image_kinds, self._mask_kinds = frozenset(image_kinds), frozenset(mask_kinds)
        self.listing_files: list[Path] = []
        """Lists and tables that were read."""

    def find(self) -> Found:
        """Return the pairs of the splits that are given; those of 'train' may still be split.

        Raises:
            DataError: a directory, list or table is missing, empty or malformed; or no image has
                a mask.
        """
        if self._settings.table is not None:
            return self._of_table(self._root / self._settings.table)
        images, masks = self._settings.images, self._settings.masks
        if self._settings.lists is not None:
            return self._of_lists(self._settings.lists)
        if SPLIT not in images and self._has_split_directories():
            images, masks = f"{SPLIT}/{images}", f"{SPLIT}/{masks}"
        if SPLIT not in images:
            return {"train": self._in_directories(self._root / images, self._root / masks)}
        found: Found = {}
        for split, name in self._split_names(images).items():
            places = (self._root / each.replace(SPLIT, name) for each in (images, masks))
            found[split] = self._in_directories(*places)
        return found

    def _has_split_directories(self) -> bool:
        return bool(self._there(f"{SPLIT}/{self._settings.images}", SPLIT_NAMES["train"]))

    def _there(self, pattern: str, names: Iterable[str]) -> list[str]:
        """Return the names, also with capital letters, of which there is a directory or list."""
        found: dict[tuple[int, int], str] = {}
        for name in (each for word in names for each in (word, word.capitalize(), word.upper())):
            path = self._root / pattern.replace(SPLIT, name)
            if path.exists():  # some file systems find one directory by all its spellings
                state = path.stat()
                found.setdefault((state.st_dev, state.st_ino), name)
        return list(found.values())

    def _split_names(self, pattern: str) -> dict[Split, str]:
        """Return what each split that is there is called.

        Raises:
            DataError: train is not there, or a split has two directories or lists.
        """
        names: dict[Split, str] = {}
        for split in SPLITS:
            there = self._there(pattern, SPLIT_NAMES[split])
            if len(there) > 1:
                listed = " and ".join(pattern.replace(SPLIT, name) for name in there)
                raise DataError(f"{self._root}: holds {listed}, both for {split}: leave one")
            if there:
                names[split] = there[0]
        if "train" not in names:
            path = self._root / pattern.replace(SPLIT, "train")
            raise DataError(f"{path}: is missing; {nothing_here(self._root)}")
        return names

    def _in_directories(self, images: Path, masks: Path) -> list[Pair]:
        inside = masks if masks != images and masks.is_relative_to(images) else None
        settings = self._settings
        found = _files_by_core(
            images, self._image_kinds, settings.image_prefix, settings.image_suffix, inside
        )
        if not found:
            kinds = ", ".join(sorted(self._image_kinds))
            raise DataError(f"{images}: holds no images ({kinds}); {nothing_here(images)}")
        if hint := split_hint(found, SPLIT_NAMES, settings.images, settings.masks):
            raise DataError(f"{images}: {hint}")
        there = _files_by_core(
            masks, self._mask_kinds, settings.mask_prefix, settings.mask_suffix, None
        )
        if images == masks and (settings.mask_prefix or settings.mask_suffix):
            taken = {*there.values()}
            found = {core: path for core, path in found.items() if path not in taken}
        if not there.keys() & found.keys():
            stems = _stems(masks, self._mask_kinds)
            hint = name_hint(_stems(images, self._image_kinds), stems)
            if not stems:
                hint = unread_hint(masks)
            raise DataError(
                f"{masks}: holds no mask of the {len(found)} images of {images}; {hint}"
            )
        return [
            Pair(
                path.relative_to(images).as_posix(),
                path,
                there.get(core) or self._wanted(masks, core),
            )
            for core, path in found.items()
        ]

    def _wanted(self, masks: Path, core: str) -> Path:
        place, _, name = core.rpartition("/")
        settings = self._settings
        return masks / place / f"{settings.mask_prefix}{name}{settings.mask_suffix}{ANY_SUFFIX}"

    def _of_lists(self, pattern: str) -> Found:
        pairs = self._in_directories_or_none()
        by_name = {_same(name): pair for pair in pairs for name in _names_of(pair)}
        found: Found = {}
        for split, name in self._split_names(pattern).items():
            path = self._root / pattern.replace(SPLIT, name)
            self.listing_files.append(path)
            found[split] = [self._listed(*line, by_name) for line in read_list(path)]
            _refuse_repeated(path, split, found[split])
        return found

    def _in_directories_or_none(self) -> list[Pair]:
        """Return the pairs that a list may name; none where its lines are paths of both files."""
        places = (self._root / self._settings.images, self._root / self._settings.masks)
        return self._in_directories(*places) if places[0].is_dir() else []

    def _listed(self, line: str, where: str, by_name: dict[str, Pair]) -> Pair:
        words = line.split()
        if len(words) >= 2 and _same(line) not in by_name:  # names may have spaces
            image, mask = words[0].lstrip("/"), words[1].lstrip("/")
            return Pair(image, self._root / image, self._root / mask)
        if _same(line) not in by_name:
            raise DataError(
                f"{where}: no image of {self._root / self._settings.images} is called {line}"
            )
        return by_name[_same(line)]

    def _of_table(self, path: Path) -> Found:
        self.listing_files.append(path)
        splits = {name: split for split, names in SPLIT_NAMES.items() for name in names}
        found: Found = {}
        for number, row in rows_of(path, self._settings.group):
            split = splits.get((row.get("split", "train") or "").strip().lower())
            if split is None:
                called = row["split"] or "nothing"
                raise DataError(f"{path}:{number}: no split is called {called}: train, val or test")
            group = row[self._settings.group].strip() if self._settings.group else ""
            image, mask = row["image"].strip(), row["mask"].strip()
            if not image or not mask:
                raise DataError(
                    f"{path}:{number}: names no {'mask' if image else 'image'}: fill it in, or "
                    "remove the line"
                )
            pair = Pair(image, self._root / image, self._root / mask, group)
            found.setdefault(split, []).append(pair)
        if "train" not in found:
            raise DataError(f"{path}: names no training images")
        for split, pairs in found.items():
            _refuse_repeated(path, split, pairs)
        return found


def grouped(pairs: Sequence[Pair], pattern: re.Pattern[str]) -> list[Pair]:
    """Return pairs with the group that a compiled pattern finds in each name.

    Raises:
        DataError: it does not match a name.
    """
    matches = [(pair, pattern.match(pair.name)) for pair in pairs]
    without = [pair.name for pair, match in matches if match is None]
    if without:
        raise DataError(f'group "{pattern.pattern}" does not match {first_few(without)}')
    return [replace(pair, group=match[1] or "") for pair, match in matches if match]


def _refuse_repeated(path: Path, split: Split, pairs: Sequence[Pair]) -> None:
    alone = [pair.name for pair in pairs if pair.image == pair.mask]
    if alone:
        raise DataError(f"{path}: names {first_few(alone)} as image and as its mask")
    twice = [name for name, count in Counter(pair.name for pair in pairs).items() if count > 1]
    if twice:
        raise DataError(
            f"{path}: names {first_few(twice)} more than once in the {split} split: remove the "
            "repeated lines"
        )


def _files_by_core(
    directory: Path, kinds: frozenset[str], prefix: str, suffix: str, without: Path | None
) -> dict[str, Path]:
    """Return the files of a directory and those below it, by their place and bare name.

    Raises:
        DataError: the directory is missing, or two files have the same bare name.
    """
    found: dict[str, Path] = {}
    twins: list[str] = []
    for path in _files(directory, kinds, without):
        name = path.stem
        if len(name) < len(prefix) + len(suffix):
            continue
        if name.startswith(prefix) and name.endswith(suffix):
            bare = name[len(prefix) : len(name) - len(suffix)]
            core = _same((path.parent.relative_to(directory) / bare).as_posix())
            if core in found:
                twins.append(f"{found[core].name} and {path.name}")
            found[core] = path
    if twins:
        raise DataError(
            f"{directory}: holds files of one name ({first_few(twins)}): which of the two "
            "is meant? Move the other away"
        )
    return found


def _same(name: str) -> str:
    """Return a name in which each letter is one code point: macOS writes accents apart."""
    return unicodedata.normalize("NFC", name)


def _files(directory: Path, kinds: frozenset[str], without: Path | None) -> list[Path]:
    if not directory.is_dir():
        root = directory.parent
        where = layout_hint(root) or flat_hint(root, kinds) or nothing_here(root)
        raise DataError(f"{directory}: cannot be listed (no such directory); {where}")
    found = []
    for place, names in walk(directory):
        if without is None or not Path(place).is_relative_to(without):
            found += [
                Path(place, name) for name in names if os.path.splitext(name)[1].lower() in kinds
            ]
    return found


def _below(directory: Path, path: Path) -> str:
    return path.relative_to(directory).as_posix()


def _stems(directory: Path, kinds: frozenset[str]) -> list[str]:
    return [path.stem for path in _files(directory, kinds, None)]


def _names_of(pair: Pair) -> tuple[str, str]:
    """Return how a list may call an image: with its extension or without."""
    return pair.name, os.path.splitext(pair.name)[0]
