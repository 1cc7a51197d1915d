"""Any directory of images and masks of the same names, with a class table from the settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image as Picture

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.data.files.raster import SUFFIXES as RASTERS
from searchctl.trainer.data.files.readers import RasterReader
from searchctl.trainer.data.files.reading import allow_pixels
from searchctl.trainer.data.sets.base import Colour, Label
from searchctl.trainer.data.sets.colours import ColourTable
from searchctl.trainer.data.sets.files import Pair, PairedFiles, decode_ids, value_table
from searchctl.trainer.data.sets.listing import visible
from searchctl.trainer.data.settings import FolderData, Split
from searchctl.trainer.data.settings.class_table import colours_of, ids_of, names_of

_IMAGES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})
_MASKS = (".png", ".bmp", ".tif", ".tiff", ".gif", ".jpg", ".jpeg")
_MOST_VALUES = 8
_IGNORED = 255
"""Label value of what is no class, whatever the masks call it: ids start at 0 and may reach 254."""


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
            DataError: a directory of images is missing or has none.
        """
        root = self._settings.root
        train = root / "train"
        pool = self._pairs_in(train if train.is_dir() else root)
        val_images = max(1, round(self._settings.val * len(pool)))
        test_images = round(self._settings.test * len(pool))
        pool.sort(key=lambda pair: (derive_seed(0, "split", pair.name), pair.name))
        val = self._given("val") or _taken(pool, val_images)
        test = self._given("test") or _taken(pool, test_images)
        return {"train": _by_name(pool), "val": _by_name(val), "test": _by_name(test)}

    def decode(self, mask: Picture.Image) -> Label:
        """Look each value up in the class table, or each colour where the classes have colours."""
        if self._colours is not None:
            return self._colours.decode(mask)
        ignored = self._settings.ignore_index
        allowed = _spans(self._values)
        if ignored is not None:
            allowed += f" and {ignored} (ignored)"
        return decode_ids(mask, self._table, allowed)

    def advice(self, values: Mapping[int, int]) -> str:
        """Propose the class table that fits masks of these values, where the present one does not.

        Values that stand for the present classes, or for no class, need no advice.
        """
        held = sorted(value for value, pixels in values.items() if pixels)
        if self._colours is not None or not held or {*self._values} <= {*held}:
            return ""
        listed = f"masks hold {_listed(held)}"
        if len(held) != len(self.class_names):
            return f"{listed}: is the class table right?"
        table = ", ".join(f"{n}: {v}" for n, v in zip(self.class_names, held, strict=True))
        return f"{listed}: set classes: {{{table}}}"

    def _given(self, split: Split) -> list[Pair]:
        directory = self._settings.root / split
        return self._pairs_in(directory) if directory.is_dir() else []

    def _pairs_in(self, directory: Path) -> list[Pair]:
        images, masks = directory / self._settings.images, directory / self._settings.masks
        files = {path.stem: path for path in visible(masks) if path.suffix.lower() in _MASKS}
        pairs = [
            Pair(path.name, path, files.get(path.stem, masks / f"{path.stem}.png"))
            for path in visible(images)
            if path.suffix.lower() in (RASTERS if self._settings.bands else _IMAGES)
        ]
        if not pairs:
            raise DataError(f"{images}: holds no images ({', '.join(sorted(_IMAGES))})")
        return pairs


def _listed(values: Sequence[int]) -> str:
    """Return numbers for people, the first of many.

    >>> _listed([0, 128, 255])
    '0, 128 and 255'
    """
    if len(values) > _MOST_VALUES:
        return f"{', '.join(map(str, values[:_MOST_VALUES]))} and {len(values) - _MOST_VALUES} more"
    *others, last = map(str, values)
    return f"{', '.join(others)} and {last}" if others else last


def _taken(pool: list[Pair], count: int) -> list[Pair]:
    """Take pairs from the end of a list, as far as there are some."""
    return [pool.pop() for _ in range(min(count, len(pool)))]


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
