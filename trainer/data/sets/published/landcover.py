"""DeepGlobe's land cover (Demir et al., CVPR Workshops 2018): satellite images in six classes."""

from pathlib import Path

from PIL import Image as Picture

from searchctl.trainer.data.files.reading import as_rgb
from searchctl.trainer.data.sets.base import Label
from searchctl.trainer.data.sets.colours import ColourTable
from searchctl.trainer.data.sets.files import Pair, PairedFiles
from searchctl.trainer.data.sets.listing import some_files_like
from searchctl.trainer.data.sets.validation_split import split_in_two, validation_split
from searchctl.trainer.data.settings import LandcoverData, Split

_CLASSES = {
    "urban": (0, 255, 255),
    "agriculture": (255, 255, 0),
    "rangeland": (255, 0, 255),
    "forest": (0, 255, 0),
    "water": (0, 0, 255),
    "barren": (255, 255, 255),
    "unknown": (0, 0, 0),
}
"""Names and colours by class id; unknown is the last, so that the ids before it stay the same."""
_RED = (255, 0, 0)
"""A colour of no class, of which a few masks hold a few pixels."""
_IGNORED = 255
_VALIDATES = 5
"""One in so many images validates, where no directory says which."""
_PURE = ([0] * 128 + [255] * 128) * 3
"""Each channel's values, rounded to 0 or 255."""


class Landcover(PairedFiles):
    """Every NNNN_sat.jpg with its NNNN_mask.png in the same directory.

    Official: train/ is labelled, valid/ and test/ are not. A fifth of train/ validates, those
    images that `validation_split` chooses by their names. The masks' colours are near to those of
    the classes, not the same, so each channel is rounded to 0 or 255.

    Course: train/ and validation/ with pure masks, which are taken as they are. Some of its pieces
    may be of one scene, but their names do not show which.

    The challenge scores the mean IoU over six classes, without unknown, and so does the default.
    It leaves no pixel out, where here what is unknown in truth costs nothing: 0.06 % of the pixels.
    """

    ignore_index = _IGNORED

    def __init__(self, settings: LandcoverData) -> None:
        self._settings, self.root = settings, settings.root
        classes = len(_CLASSES) - (settings.unknown == "ignore")
        self.class_names = tuple(_CLASSES)[:classes]
        self.palette = tuple(_CLASSES.values())[:classes]
        ids = {colour: i if i < classes else _IGNORED for i, colour in enumerate(_CLASSES.values())}
        self._table = ColourTable({**ids, _RED: _IGNORED}, _IGNORED)

    def find_pairs(self) -> dict[Split, tuple[Pair, ...]]:
        """Return the pairs by name.

        Raises:
            DataError: a directory is missing or holds no image.
        """
        root = self._settings.root
        pairs = _pairs_in(root / "train")
        if self._settings.layout == "course":
            return {"train": pairs, "val": _pairs_in(root / "validation"), "test": ()}
        return split_in_two(pairs, validation_split((pair.name for pair in pairs), _VALIDATES))

    def decode(self, mask: Picture.Image) -> Label:
        """Look each colour up, rounded to the nearest pure one where masks are not pure.

        A mask of one channel is not rounded: as class ids it would become black throughout.
        """
        if self._settings.layout == "deepglobe" and len(mask.getbands()) > 1:
            mask = as_rgb(mask).point(_PURE)
        return self._table.decode(mask)


def _pairs_in(directory: Path) -> tuple[Pair, ...]:
    files = some_files_like(directory, r"(.+)_sat\.jpg", "NNNN_sat.jpg")
    return tuple(
        Pair(f"{directory.name}_{number}", path, directory / f"{number}_mask.png")
        for number, path in files.items()
    )
