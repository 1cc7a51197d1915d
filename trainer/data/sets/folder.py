"""Any directory of images and masks of the same names, with a class table from the settings."""

from pathlib import Path

from PIL import Image as Picture

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.data.files.raster import SUFFIXES as RASTERS
from searchctl.trainer.data.files.readers import RasterReader
from searchctl.trainer.data.sets.base import Colour, Label
from searchctl.trainer.data.sets.colours import ColourTable
from searchctl.trainer.data.sets.files import Pair, PairedFiles, decode_ids, id_table
from searchctl.trainer.data.sets.listing import visible
from searchctl.trainer.data.settings import ColourClass, FolderData, Split

_IMAGES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})
_MASKS = (".png", ".bmp", ".tif", ".tiff", ".gif", ".jpg", ".jpeg")
_IGNORED = 255
"""Label value of what is no class, whatever the masks call it: ids start at 0 and may reach 254."""


class Folder(PairedFiles):
    """Images and masks paired by name: split by directories, or else by the names' hashes.

    A name's hash does not depend on the other files, so adding images moves few from one split
    to another.
    """

    ignore_index = _IGNORED

    def __init__(self, settings: FolderData) -> None:
        self._settings = settings
        if settings.bands is not None:
            self.reader = RasterReader(settings.bands, settings.nodata, settings.shown_bands)
        named = [entry if isinstance(entry, str) else entry.name for entry in settings.classes]
        self.class_names = tuple(named)
        colours = tuple(e.color for e in settings.classes if isinstance(e, ColourClass))
        ids = {colour: class_id for class_id, colour in enumerate(colours)}
        self._colours = ColourTable(ids, _IGNORED, most_strays=1) if colours else None
        self.palette = colours or tuple(spread_colour(i) for i in range(len(named)))
        self._table = id_table(len(named), settings.first_id, settings.ignore_index, _IGNORED)

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
        val = self._given("val") or [pool.pop() for _ in range(val_images)]
        test = self._given("test") or [pool.pop() for _ in range(test_images)]
        return {"train": _by_name(pool), "val": _by_name(val), "test": _by_name(test)}

    def decode(self, mask: Picture.Image) -> Label:
        """Look each value up in the class table, or each colour where the classes have colours."""
        if self._colours is not None:
            return self._colours.decode(mask)
        first, ignored = self._settings.first_id, self._settings.ignore_index
        last = first + len(self.class_names) - 1
        return decode_ids(mask, self._table, f"{first}..{last} and {ignored} (ignored)")

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
