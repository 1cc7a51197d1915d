"""Oxford-IIIT Pet (Parkhi et al., "Cats and Dogs", CVPR 2012): 37 breeds, each pet outlined."""

from pathlib import Path

from PIL import Image as Picture

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.base import Label
from searchctl.trainer.data.sets.files import Pair, PairedFiles, decode_ids, id_table
from searchctl.trainer.data.sets.listing import read_list
from searchctl.trainer.data.sets.validation_split import validation_split
from searchctl.trainer.data.settings import OxfordPetsData, Split

_CLASSES = {"pet": (224, 112, 0), "background": (0, 64, 128), "border": (255, 255, 255)}
"""Names and colours in the order of the trimaps' values 1, 2, 3."""
_BORDER = 3
"""Value of the outline in a trimap: the last one, so that the classes before it stay the same."""
_IGNORED = 255
_VALIDATES = 5
"""One in so many images of a breed validates."""


class OxfordPets(PairedFiles):
    """The images that the official lists name: test.txt tests, trainval.txt trains and validates.

    There is no official validation split. Here a fifth of each breed's images in trainval.txt
    validates, those that `validation_split` chooses by their names.

    Only what the lists name is looked for: the directories also hold images without a use,
    MATLAB files, and a ._x.png beside x.png. Images are read by what they are, since some that are
    called .jpg are PNG or GIF files.
    """

    ignore_index = _IGNORED

    def __init__(self, settings: OxfordPetsData) -> None:
        self.root = settings.root
        self._annotations = settings.root / "annotations"
        self._images = settings.root / "images"
        classes = _BORDER if settings.border == "class" else _BORDER - 1
        border_id = _BORDER - 1 if classes == _BORDER else _IGNORED
        self.class_names = tuple(_CLASSES)[:classes]
        self.palette = tuple(_CLASSES.values())[:classes]
        self._table = id_table(_BORDER - 1, first=1, void=_BORDER, ignore_index=border_id)

    def find_pairs(self) -> dict[Split, tuple[Pair, ...]]:
        """Return the pairs in the order of the lists.

        Raises:
            DataError: a list is missing or has a malformed line.
        """
        trainval = self._listed("trainval")
        val = validation_split((pair.name for pair in trainval), _VALIDATES, stratum=_breed)
        return {
            "train": tuple(pair for pair in trainval if pair.name not in val),
            "val": tuple(pair for pair in trainval if pair.name in val),
            "test": tuple(self._listed("test")),
        }

    def decode(self, mask: Picture.Image) -> Label:
        """Look the trimap's values up: pet 0, background 1, and 2 or ignored for the border."""
        return decode_ids(mask, self._table, "1 (pet), 2 (background) and 3 (border)")

    def listing_files(self) -> tuple[Path, ...]:
        """Return the official lists."""
        return tuple(self._annotations / f"{name}.txt" for name in ("trainval", "test"))

    def check(self) -> None:
        """Check the pairs as for any files, and say what to do where a part of them is missing."""
        try:
            super().check()
        except DataError as error:
            raise DataError(
                f"{error}\n{self._annotations}: trainval.txt and test.txt name these; to work "
                "with a part of the data set, take the other lines out of both"
            ) from error

    def _listed(self, name: str) -> list[Pair]:
        lines = read_list(self._annotations / f"{name}.txt")
        return [self._pair(line, where) for line, where in lines if not line.startswith("#")]

    def _pair(self, line: str, where: str) -> Pair:
        fields = line.split()
        if len(fields) != 4:
            raise DataError(f"{where}: expected 'image class species breed', found '{line}'")
        name = fields[0]
        trimap = self._annotations / "trimaps" / f"{name}.png"
        return Pair(name, self._images / f"{name}.jpg", trimap)


def _breed(name: str) -> str:
    """Take the breed from a name such as american_bulldog_101."""
    return name.rpartition("_")[0]
