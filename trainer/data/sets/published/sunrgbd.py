"""SUN RGB-D (Song, Lichtenberg and Xiao, CVPR 2015): indoor images, their colour alone."""

from pathlib import Path

from PIL import Image as Picture

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.base import Label
from searchctl.trainer.data.sets.files import Pair, PairedFiles, decode_ids, id_table
from searchctl.trainer.data.sets.listing import read_list, some_files_like
from searchctl.trainer.data.sets.validation_split import validation_split
from searchctl.trainer.data.settings import Split, SunRgbdData

CLASSES = {
    "wall": (153, 112, 72),
    "floor": (91, 134, 83),
    "cabinet": (153, 91, 90),
    "bed": (118, 106, 128),
    "chair": (118, 94, 89),
    "sofa": (148, 109, 126),
    "table": (119, 119, 119),
    "door": (131, 131, 85),
    "window": (95, 131, 137),
    "bookshelf": (153, 153, 107),
    "picture": (151, 77, 68),
    "counter": (152, 108, 59),
    "blinds": (151, 123, 137),
    "desk": (113, 77, 113),
    "shelves": (153, 142, 67),
    "curtain": (33, 76, 110),
    "dresser": (91, 47, 98),
    "pillow": (153, 153, 31),
    "mirror": (148, 77, 115),
    "floor_mat": (59, 18, 13),
    "clothes": (11, 85, 123),
    "ceiling": (60, 118, 145),
    "books": (9, 69, 63),
    "fridge": (32, 56, 90),
    "tv": (71, 91, 37),
    "paper": (32, 80, 95),
    "towel": (77, 91, 118),
    "shower_curtain": (103, 118, 79),
    "box": (27, 53, 83),
    "whiteboard": (140, 96, 41),
    "person": (68, 37, 71),
    "night_stand": (94, 95, 133),
    "toilet": (44, 51, 79),
    "sink": (109, 124, 64),
    "lamp": (59, 73, 34),
    "bathtub": (139, 112, 49),
    "bag": (84, 65, 29),
}
CLASS_NAMES = tuple(CLASSES)
PALETTE = tuple(CLASSES.values())


_UNLABELLED = 0
_IGNORED = 255
_TEST_LABELS = 5050
"""The export numbers all labels in a row, those of the official test split first."""
_VALIDATES = 10
"""One in so many groups validates, where no list says which images do."""
_GROUP = 10
"""So many numbers in a row are one group."""


class SunRgbd(PairedFiles):
    """The images and labels of either published export of the data set.

    export: SUNRGBD-train_images/img-000001.jpg pairs with sunrgbd_train_test_labels/img-005051.png,
    since the labels of the 5050 test images come first. There is no official validation split: a
    tenth of the training images validates, which `validation_split` chooses by tens of neighbouring
    numbers, as those are often of one room.

    reorganized: image/train/img-000001.jpg pairs with label37/train/00000001.png. The lines of
    split/val37.txt take 475 images out of the official test split to validate on.
    """

    class_names = CLASS_NAMES
    palette = PALETTE
    ignore_index = _IGNORED

    def __init__(self, settings: SunRgbdData) -> None:
        self._settings, self.root = settings, settings.root
        self._table = id_table(len(CLASS_NAMES), first=1, void=_UNLABELLED, ignore_index=_IGNORED)

    def find_pairs(self) -> dict[Split, tuple[Pair, ...]]:
        """Return the pairs by number.

        Raises:
            DataError: a directory is missing or holds no image; or the list is missing, malformed
                or names an image that is not there.
        """
        root = self._settings.root
        return _exported(root) if self._settings.layout == "export" else _reorganized(root)

    def decode(self, mask: Picture.Image) -> Label:
        """Turn 1..37, of 8 or 16 bits, into 0..36; 0 is ignored."""
        return decode_ids(
            mask, self._table, f"1..{len(CLASS_NAMES)} and {_UNLABELLED} (unlabelled)"
        )

    def group(self, split: Split, index: int) -> str:
        """Return the official split and the ten numbers of the image's, often one room."""
        return _group(self.names(split)[index])


def _exported(root: Path) -> dict[Split, tuple[Pair, ...]]:
    labels = root / "sunrgbd_train_test_labels"
    official = {
        part: [
            Pair(f"{part}_{number}", path, labels / f"img-{int(number) + offset:06}.png")
            for number, path in _images(root / f"SUNRGBD-{part}_images").items()
        ]
        for part, offset in (("train", _TEST_LABELS), ("test", 0))
    }
    groups = {_group(pair.name) for pair in official["train"]}
    val = validation_split(groups, _VALIDATES)
    return {
        "train": tuple(pair for pair in official["train"] if _group(pair.name) not in val),
        "val": tuple(pair for pair in official["train"] if _group(pair.name) in val),
        "test": tuple(official["test"]),
    }


def _reorganized(root: Path) -> dict[Split, tuple[Pair, ...]]:
    train, test = (
        {
            path: Pair(f"{part}_{number}", path, root / "label37" / part / f"{int(number):08}.png")
            for number, path in _images(root / "image" / part).items()
        }
        for part in ("train", "test")
    )
    val = [
        _listed(root, line, where, test) for line, where in read_list(root / "split" / "val37.txt")
    ]
    rest = tuple(pair for pair in test.values() if pair not in set(val))
    return {"train": tuple(train.values()), "val": tuple(val), "test": rest}


def _images(directory: Path) -> dict[str, Path]:
    return some_files_like(directory, r"img-(\d{6})\.jpg", "img-NNNNNN.jpg")


def _listed(root: Path, line: str, where: str, test: dict[Path, Pair]) -> Pair:
    image = root / line.split()[0]
    if image not in test:
        raise DataError(f"{where}: {image} is not there; lines name an image of image/test first")
    return test[image]


def _group(name: str) -> str:
    part, _, number = name.partition("_")
    return f"{part}/{(int(number) - 1) // _GROUP}"
