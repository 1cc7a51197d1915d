"""Any directory of images and masks of the same names, with a class table from the settings."""

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image as Picture

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.data.files.raster import SUFFIXES as RASTERS
from searchctl.trainer.data.files.readers import RasterReader
from searchctl.trainer.data.files.reading import allow_pixels, opened_mask
from searchctl.trainer.data.sets.base import Colour, Label
from searchctl.trainer.data.sets.colours import ColourTable
from searchctl.trainer.data.sets.files import Pair, PairedFiles, decode_ids, value_table
from searchctl.trainer.data.sets.folders.folder_pairs import PairFinder, grouped
from searchctl.trainer.data.settings import FolderData, Split
from searchctl.trainer.data.settings.class_table import colours_of, ids_of, names_of

IMAGES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".npy", ".ppm", ".pgm"}
)
_MASKS = IMAGES  # those that lose values are refused by name when they are read
_MOST_VALUES = 8
_LOOKED_AT = 3
"""Masks whose colours a message may list."""
_IGNORED = 255
"""Label value of pixels without a class: ids start at 0 and may reach 254."""


class Folder(PairedFiles):
    """Images and masks paired by name: split by directories, or else by the names' hashes.

    A name's hash does not depend on the other files, so adding images moves few from one split
    to another.
    """

    ignore_index = _IGNORED
    read_whole = True

    def __init__(self, settings: FolderData) -> None:
        self._settings, self.root = settings, settings.root
        allow_pixels(settings.max_pixels)
        if settings.bands is not None:
            self.reader = RasterReader(settings.bands, settings.nodata, settings.shown_bands)
        self.class_names = names_of(settings.classes)
        colours = colours_of(settings.classes)
        ids = {colour: class_id for class_id, colour in enumerate(colours)}
        self._colours = ColourTable(ids, _IGNORED, most_strays=1) if colours else None
        self.palette = colours or tuple(spread_colour(i) for i in range(len(self.class_names)))
        self._values = ids_of(settings.classes, settings.first_id)
        ignored = {} if settings.ignore_index is None else {settings.ignore_index: _IGNORED}
        meaning = {value: i for i, value in enumerate(self._values) if not colours}
        self._table = value_table({**meaning, **ignored})

    def find_pairs(self) -> dict[Split, tuple[Pair, ...]]:
        """Return the pairs, by name.

        Raises:
            DataError: a directory, list or table is missing, empty or malformed; no image has a
                mask; or `group` does not match a name.
        """
        settings = self._settings
        finder = PairFinder(settings, RASTERS if settings.bands else IMAGES, _MASKS)
        found = finder.find()
        self._lists = tuple(finder.listing_files)
        if settings.group is not None and settings.table is None:
            pattern = re.compile(settings.group)
            found = {split: grouped(pairs, pattern) for split, pairs in found.items()}
        pool = found["train"]
        needed: dict[Split, int] = {
            "val": max(1, round(settings.val * len(pool))),
            "test": round(settings.test * len(pool)),
        }
        groups = _by_hash(pool)
        if "val" not in found and len(groups) == 1 < len(pool):
            raise DataError(
                f"all {len(pool)} images are of one group, '{pool[0].group}', and a group lies in "
                "one split: set `group` so that it names several, or leave it out"
            )
        for split, count in needed.items():
            if split not in found:
                found[split] = _taken(groups, count)
        found["train"] = [pair for group in groups for pair in group]
        return {split: _by_name(pairs) for split, pairs in found.items()}

    def group(self, split: Split, index: int) -> str:
        """Return what an image belongs to: by `group`, or itself."""
        pair = self.pairs(split)[index]
        return pair.group or pair.name

    def listing_files(self) -> tuple[Path, ...]:
        """Return the lists, or the table."""
        self.pairs("train")
        return self._lists

    def decode(self, mask: Picture.Image) -> Label:
        """Look each value up in the class table, or each colour where the classes have colours."""
        if self._colours is not None:
            return self._colours.decode(mask)
        ignored = self._settings.ignore_index
        allowed = _spans(self._values)
        if ignored is not None:
            allowed += f" and {ignored} (ignored)"
        try:
            return decode_ids(mask, self._table, allowed)
        except DataError as error:
            raise DataError(f"{error}{self._first_id_hint(mask)}") from error

    def strays(self, mask: Picture.Image, label: Label) -> tuple[Colour, ...]:
        """Return colours of a mask that no class has: its pixels there are ignored."""
        if self._colours is None or not (label == _IGNORED).any():
            return ()
        return self._colours.strays(mask)

    def _first_id_hint(self, mask: Picture.Image) -> str:
        """Propose `first_id: 1` where a mask holds no 0, and an id that is one too high."""
        counts = len(self.class_names)
        if self._values != tuple(range(counts)) or len(mask.getbands()) > 1:
            return ""
        low, high = mask.getextrema()
        return ". If ids start at 1, set first_id: 1" if (low, high) == (1, counts) else ""

    def advice(self, values: Collection[int]) -> str:
        """Propose the class table that fits masks of these values, where the present one does not.

        Values of the present classes, or of no class, need no advice.
        """
        if self._colours is not None:
            return self._colour_advice(self._colours)
        held = sorted(values)
        if not held or {*self._values} <= {*held}:
            return ""
        listed = f"masks hold {_listed(held)}"
        if len(held) != len(self.class_names):
            return f"{listed}: is the class table right?"
        table = ", ".join(f"{n}: {v}" for n, v in zip(self.class_names, held, strict=True))
        return f"{listed}: set classes: {{{table}}}"

    def _colour_advice(self, table: ColourTable) -> str:
        """Name the colours of some masks that no class has."""
        found: dict[Colour, None] = {}
        for pair in self.pairs("train")[:_LOOKED_AT]:
            with suppress(DataError), opened_mask(pair.mask) as mask:
                found.update(dict.fromkeys(table.strays(mask)))
        listed = ", ".join(map(str, [*found][:_MOST_VALUES]))
        return f"masks hold colours of no class, {listed}: is the class table right?" * bool(found)


def _listed(values: Sequence[int]) -> str:
    """Return numbers for people, the first of many.

    >>> _listed([0, 128, 255])
    '0, 128 and 255'
    """
    if len(values) > _MOST_VALUES:
        return f"{', '.join(map(str, values[:_MOST_VALUES]))} and {len(values) - _MOST_VALUES} more"
    *others, last = map(str, values)
    return f"{', '.join(others)} and {last}" if others else last


def _by_hash(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Return what belongs together, in an order that no other name has a part in."""
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair.group or pair.name, []).append(pair)
    names = sorted(groups, key=lambda name: (derive_seed(0, "split", name), name))
    return [groups[name] for name in names]


def _taken(groups: list[list[Pair]], count: int) -> list[Pair]:
    """Take whole groups from the end of a list until there are so many pairs."""
    taken: list[Pair] = []
    while groups and len(taken) < count:
        taken += groups.pop()
    return taken


def _spans(values: Sequence[int]) -> str:
    """Return whole numbers for people.

    >>> _spans([0, 1, 2, 7])
    '0..2, 7'
    """
    ends: list[list[int]] = []
    for value in sorted(values):
        if ends and value == ends[-1][1] + 1:
            ends[-1][1] = value
        else:
            ends.append([value, value])
    return ", ".join(str(low) if low == high else f"{low}..{high}" for low, high in ends)


def _by_name(pairs: list[Pair]) -> tuple[Pair, ...]:
    return tuple(sorted(pairs, key=lambda pair: pair.name))


def spread_colour(class_id: int) -> Colour:
    """Spread the bits of the id over three channels, as the PASCAL VOC colour map does."""
    code = class_id + 1  # VOC's 0 is black, which is kept for void
    red, green, blue = (
        sum(((code >> (3 * bit + channel)) & 1) << (7 - bit) for bit in range(3))
        for channel in range(3)
    )
    return red, green, blue
