"""CamVid as its authors give it: 960x720, masks in the colours of 32 classes."""

from collections.abc import Iterator
from pathlib import Path

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.base import Colour
from searchctl.trainer.data.sets.colours import ColourTable
from searchctl.trainer.data.sets.files import SPLITS, Pair
from searchctl.trainer.data.sets.listing import some_files_like
from searchctl.trainer.data.sets.street_classes import CLASS_NAMES, CLASSES, VOID
from searchctl.trainer.data.settings import Split

GROUPS: dict[str, dict[str, Colour]] = {
    "Sky": {"Sky": (128, 128, 128)},
    "Building": {
        "Archway": (192, 0, 128),
        "Bridge": (0, 128, 64),
        "Building": (128, 0, 0),
        "Tunnel": (64, 0, 64),
        "Wall": (64, 192, 0),
    },
    "Pole": {"Column_Pole": (192, 192, 128), "TrafficCone": (0, 0, 64)},
    "Road": {
        "Road": (128, 64, 128),
        "LaneMkgsDriv": (128, 0, 192),
        "LaneMkgsNonDriv": (192, 0, 64),
    },
    "Pavement": {
        "Sidewalk": (0, 0, 192),
        "ParkingBlock": (64, 192, 128),
        "RoadShoulder": (128, 128, 192),
    },
    "Tree": {"Tree": (128, 128, 0), "VegetationMisc": (192, 192, 0)},
    "SignSymbol": {
        "SignSymbol": (192, 128, 128),
        "Misc_Text": (128, 128, 64),
        "TrafficLight": (0, 64, 64),
    },
    "Fence": {"Fence": (64, 64, 128)},
    "Car": {
        "Car": (64, 0, 128),
        "OtherMoving": (128, 64, 64),
        "SUVPickupTruck": (64, 128, 192),
        "Train": (192, 64, 128),
        "Truck_Bus": (192, 128, 192),
    },
    "Pedestrian": {
        "Animal": (64, 128, 64),
        "CartLuggagePram": (64, 0, 192),
        "Child": (192, 128, 64),
        "Pedestrian": (64, 64, 0),
    },
    "Bicyclist": {"Bicyclist": (0, 128, 192), "MotorcycleScooter": (192, 0, 192)},
}
"""Original classes of each of SegNet's 11 classes, in the order of their ids."""
VOID_COLOUR: Colour = (0, 0, 0)
_FLAT = ("701_StillsRaw_full", "LabeledApproved_full")
_DIRECTORIES = "train/ and train_labels/, val/ and val_labels/, test/ and test_labels/"


def colour_table() -> ColourTable:
    """Return the class of each colour, as SegNet's ids.

    Pavement may also have SegNet's own colour, which is none of the 32.
    """
    ids = {colour: VOID for colour in [VOID_COLOUR]}
    for class_id, name in enumerate(CLASS_NAMES):
        ids[CLASSES[name]] = class_id
        ids |= {colour: class_id for colour in GROUPS[name].values()}
    return ColourTable(ids, VOID)


def original_pairs(root: Path) -> Iterator[tuple[Pair, Split | None]]:
    """Yield each pair with the split that its directory says: none in the authors' own layout.

    Two layouts are known: 701_StillsRaw_full/X.png with LabeledApproved_full/X_L.png, and the
    common copy of it with train/X.png, train_labels/X_L.png and so on. A class_dict.csv beside
    them is not read: the colours are always the same.

    Raises:
        DataError: the directories are missing or hold no image.
    """
    if (root / _FLAT[0]).is_dir():
        yield from ((pair, None) for pair in _pairs_in(root / _FLAT[0], root / _FLAT[1]))
    elif (root / "train_labels").is_dir():
        for split in SPLITS:
            pairs = _pairs_in(root / split, root / f"{split}_labels")
            yield from ((pair, split) for pair in pairs)
    else:
        raise DataError(
            f"{root}: holds neither {_FLAT[0]}/ and {_FLAT[1]}/ nor {_DIRECTORIES}; is `root` "
            "right, and is the layout not segnet's?"
        )


def _pairs_in(images: Path, masks: Path) -> list[Pair]:
    files = some_files_like(images, r"(.+)\.png", "*.png")
    return [Pair(name, path, masks / f"{name}_L.png") for name, path in files.items()]
