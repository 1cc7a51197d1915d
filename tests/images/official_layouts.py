"""Tiny data sets in their official layouts, with the odd files that the real ones have.

Each function fills a directory and returns it. `images` says how many images there are to train
and to validate on, where the layout has no validation split, and else how many to train on. Each
class has a colour of its own in the images, so that a small network learns it in a few epochs.
"""

from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from searchctl.trainer.data.sets.folders.folder import spread_colour
from searchctl.trainer.data.sets.published.camvid_original import GROUPS
from searchctl.trainer.data.sets.published.cityscapes_labels import LABELS
from searchctl.trainer.data.settings import DataSettings

ROWS, COLUMNS = 3, 4
APPLE_DOUBLE = bytes.fromhex("0005160700020000") + b"Mac OS X        "
"""First bytes of the ._x.png that archives made on a Mac hold beside x.png."""
LAND = ((0, 255, 255), (255, 255, 0), (255, 0, 255), (0, 255, 0), (0, 0, 255), (255, 255, 255))
UNKNOWN, RED = (0, 0, 0), (255, 0, 0)
ROAD_COLOURS = ((255, 0, 255), (255, 0, 0))
CAMVID_CLASSES = 11
SUN_CLASSES = 37


def write_cityscapes(root: Path, images: int = 6, size: tuple[int, int] = (32, 64)) -> Path:
    """Train and val in a few cities, test with labels that hold nothing."""
    cities = {"train": ("aachen", "bochum"), "val": ("frankfurt", "lindau"), "test": ("berlin",)}
    for split, count in (("train", images), ("val", max(2, images // 3)), ("test", 2)):
        for index, city in enumerate(islice(cycle(cities[split]), count)):
            name = f"{split}/{city}/{city}_{index:06}_000019"
            ids = mosaic(index, len(LABELS), size)
            save(root / "leftImg8bit" / f"{name}_leftImg8bit.png", paint(index, ids))
            ids[-1] = 1  # the car with the camera
            _save_cityscapes_masks(root / "gtFine" / f"{name}_gtFine", ids * (split != "test"))
    stray = root / "leftImg8bit" / "train" / "aachen" / "._aachen_000000_000019_leftImg8bit.png"
    stray.write_bytes(APPLE_DOUBLE)
    return root


def _save_cityscapes_masks(stem: Path, ids: np.ndarray) -> None:
    save(Path(f"{stem}_labelIds.png"), ids)
    save(Path(f"{stem}_instanceIds.png"), ids.astype(np.uint16) * 1000)
    save(Path(f"{stem}_color.png"), np.array([label.colour for label in LABELS], np.uint8)[ids])
    Path(f"{stem}_polygons.json").write_text("{}")


def write_kitti_semantics(root: Path, images: int = 10, size: tuple[int, int] = (24, 80)) -> Path:
    """Frames 10 with labels, a frame 11 without, and test images."""
    training = root / "training"
    for index in range(images):
        ids = mosaic(index, len(LABELS), size)
        save(training / "image_2" / f"{index:06}_10.png", paint(index, ids))
        save(training / "semantic" / f"{index:06}_10.png", ids)
        save(training / "instance" / f"{index:06}_10.png", ids.astype(np.uint16) * 256)
    for stray in (training / "image_2" / "000000_11.png", root / "testing/image_2/000000_10.png"):
        save(stray, paint(0, mosaic(0, 2, size)))
    return root


def write_kitti_road(root: Path, images: int = 15, size: tuple[int, int] = (24, 80)) -> Path:
    """A third each of um, umm and uu, with masks of the own lane for um, and test images."""
    training = root / "training"
    for index, category in enumerate(islice(cycle(("um", "umm", "uu")), images)):
        number = f"{index // 3:06}"
        ids = mosaic(index, len(ROAD_COLOURS), size)
        colours = np.array(ROAD_COLOURS, np.uint8)[ids]
        colours[:2], colours[0, 0] = UNKNOWN, (0, 0, 255)  # not valid, and road that is not valid
        save(training / "image_2" / f"{category}_{number}.png", paint(index, ids))
        save(training / "gt_image_2" / f"{category}_road_{number}.png", colours)
        if category == "um":
            save(training / "gt_image_2" / f"um_lane_{number}.png", colours[::-1])
    save(root / "testing" / "image_2" / "um_000000.png", paint(0, mosaic(0, 2, size)))
    return root


def write_landcover(root: Path, images: int = 10, size: tuple[int, int] = (32, 32)) -> Path:
    """DeepGlobe's: impure masks in train/; valid/ and test/ without any."""
    for index in range(images):
        mask = _save_land(root / "train" / f"{100 + 37 * index}", index, size)
        noise = np.random.default_rng(index).integers(0, 100, mask.shape)
        save(root / "train" / f"{100 + 37 * index}_mask.png", np.abs(mask - noise).astype(np.uint8))
    for split in ("valid", "test"):
        save(root / split / "9999_sat.jpg", paint(0, mosaic(0, 2, size)))
    return root


def write_landcover_course(root: Path, images: int = 6, size: tuple[int, int] = (32, 32)) -> Path:
    """Pure masks in train/ and validation/, where the same numbers occur."""
    for split, count in (("train", images), ("validation", max(2, images // 3))):
        for index in range(count):
            stem = root / split / f"{index:04}"
            save(Path(f"{stem}_mask.png"), _save_land(stem, index, size).astype(np.uint8))
    save(root / "test" / "0000_sat.jpg", paint(0, mosaic(0, 2, size)))
    return root


def _save_land(stem: Path, index: int, size: tuple[int, int]) -> np.ndarray:
    ids = mosaic(index, len(LAND) + 1, size)
    save(Path(f"{stem}_sat.jpg"), paint(index, ids))
    mask = np.array((*LAND, UNKNOWN))[ids]
    mask[0, 0] = RED
    return mask


def write_sunrgbd(root: Path, images: int = 20, size: tuple[int, int] = (32, 40)) -> Path:
    """The common export, with one image of each room; labels of 8 and of 16 bits."""
    for part, offset, count in (("train", 5050, images), ("test", 0, 4)):
        for index in range(count):
            number = 1 + 10 * index
            ids = mosaic(index, SUN_CLASSES + 1, size)
            save(root / f"SUNRGBD-{part}_images" / f"img-{number:06}.jpg", paint(index, ids))
            label = ids.astype(np.uint16 if index % 2 else np.uint8)
            save(root / "sunrgbd_train_test_labels" / f"img-{number + offset:06}.png", label)
    return root


def write_sunrgbd_reorganized(
    root: Path, images: int = 6, size: tuple[int, int] = (32, 40)
) -> Path:
    """Labels in directories of their own, and a list of the test images that validate."""
    for part, count in (("train", images), ("test", 4)):
        for number in range(1, count + 1):
            ids = mosaic(number, SUN_CLASSES + 1, size)
            save(root / "image" / part / f"img-{number:06}.jpg", paint(number, ids))
            save(root / "label37" / part / f"{number:08}.png", ids)
    files = ("image/test/img-{0:06}.jpg", "depth/test/{0:08}.png", "label37/test/{0:08}.png")
    (root / "split").mkdir()
    lines = [" ".join(files).format(number) for number in (2, 4)]
    (root / "split" / "val37.txt").write_text("\n".join(lines))
    return root


def write_camvid(root: Path, images: int = 6, size: tuple[int, int] = (24, 32)) -> Path:
    """SegNet's layout, with the absolute paths of its lists."""
    for split, names in camvid_frames(images).items():
        for index, name in enumerate(names):
            ids = mosaic(index, CAMVID_CLASSES + 1, size)
            save(root / split / f"{name}.png", paint(index, ids))
            save(root / f"{split}annot" / f"{name}.png", ids)
        home = "/SegNet/CamVid"
        lines = [f"{home}/{split}/{name}.png {home}/{split}annot/{name}.png" for name in names]
        (root / f"{split}.txt").write_text("\n".join(lines) + "\n")
    return root


def write_camvid_original(root: Path, images: int = 6, size: tuple[int, int] = (24, 32)) -> Path:
    """The authors' layout: all images in one directory, masks in 32 colours in another."""
    for names in camvid_frames(images).values():
        for index, name in enumerate(names):
            masks = root / "LabeledApproved_full"
            _save_camvid(root / "701_StillsRaw_full", masks, name, index, size)
    return root


def write_camvid_directories(root: Path, images: int = 6, size: tuple[int, int] = (24, 32)) -> Path:
    """The common copy of the authors' layout, with a directory for each split."""
    for split, names in camvid_frames(images).items():
        for index, name in enumerate(names):
            _save_camvid(root / split, root / f"{split}_labels", name, index, size)
    (root / "class_dict.csv").write_text('name, r, g, b\nAnimal,"64,128, 64"\n')
    return root


def camvid_frames(images: int) -> dict[str, list[str]]:
    """Name frames of each split of SegNet's lists; whole recordings apart, 0006R0 validates."""
    first = [f"0001TP_{6690 + 30 * index:06}" for index in range(images - 2)]
    return {
        "train": [*first, "0006R0_f00930", "0006R0_f00960"],
        "val": [f"0016E5_{7959 + 2 * index:05}" for index in range(max(2, images // 3))],
        "test": ["Seq05VD_f00000", "Seq05VD_f00030"],
    }


def _save_camvid(images: Path, masks: Path, name: str, index: int, size: tuple[int, int]) -> None:
    members = [
        (class_id, colour)
        for class_id, group in enumerate(GROUPS.values())
        for colour in group.values()
    ]
    cells = mosaic(index, len(members) + 1, size)
    save(masks / f"{name}_L.png", np.array([c for _, c in members] + [UNKNOWN], np.uint8)[cells])
    ids = np.array([class_id for class_id, _ in members] + [CAMVID_CLASSES], np.uint8)[cells]
    save(images / f"{name}.png", paint(index, ids))


def write_oxford_pets(root: Path, images: int = 20, size: tuple[int, int] = (32, 40)) -> Path:
    """Two breeds with trimaps, and files that are not what their names say."""
    lists = {"trainval": range(images), "test": range(images, images + 4)}
    for name, numbers in lists.items():
        stems = [f"{('Bengal', 'great_pyrenees')[n % 2]}_{n // 2 + 1}" for n in numbers]
        for index, stem in enumerate(stems):
            trimap = pet(index, size)
            save(root / "images" / f"{stem}.jpg", paint(index, trimap % 2))
            save(root / "annotations" / "trimaps" / f"{stem}.png", trimap)
        lines = "".join(f"{stem} 6 1 2\n" for stem in stems)
        text = f"#Image CLASS-ID SPECIES BREED ID\n{lines}"
        (root / "annotations" / f"{name}.txt").write_text(text)
    (root / "annotations" / "trimaps" / "._Bengal_1.png").write_bytes(APPLE_DOUBLE)
    (root / "images" / "Bengal_100.mat").write_bytes(b"MATLAB 5.0")
    Image.new("P", size[::-1]).save(root / "images" / "Bengal_34.jpg", "GIF")
    with Image.open(root / "images" / "Bengal_1.jpg") as picture:
        picture.convert("RGBA").save(root / "images" / "Bengal_1.jpg", "PNG")
    return root


def pet(index: int, size: tuple[int, int]) -> np.ndarray:
    """Draw a trimap: an ellipse of 1 within 2, with a border of 3 between them."""
    rng = np.random.default_rng(index)
    y, x = (np.linspace(-1, 1, side) for side in size)
    a, b = rng.uniform(0.4, 0.7, 2)
    far = np.hypot(y[:, None] / a, x[None] / b)
    return np.where(far < 0.9, 1, np.where(far < 1.1, 3, 2)).astype(np.uint8)


def mosaic(index: int, classes: int, size: tuple[int, int]) -> np.ndarray:
    """Return [height, width] class ids in 3 x 4 cells, which go through the classes in turn."""
    rng = np.random.default_rng(index)
    count = ROWS * COLUMNS
    cells = rng.permutation(np.arange(index * count, (index + 1) * count) % classes)
    rows, columns = (
        np.arange(side) * parts // side for side, parts in zip(size, (ROWS, COLUMNS), strict=True)
    )
    return cells.reshape(ROWS, COLUMNS).astype(np.uint8)[rows][:, columns]


def paint(index: int, ids: np.ndarray) -> np.ndarray:
    """Return the [height, width, 3] image of class ids: a colour for each, and noise."""
    rng = np.random.default_rng(index)
    colours = np.array([spread_colour(class_id) for class_id in range(int(ids.max()) + 1)])
    noise = rng.normal(0, 8, (*ids.shape, 3))
    return np.clip(colours[ids] * 0.8 + 20 + noise, 0, 255).astype(np.uint8)


def save(path: Path, pixels: np.ndarray) -> None:
    """Save a picture in the format of its name, in a directory that is made for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"quality": 95} if path.suffix == ".jpg" else {}
    Image.fromarray(pixels).save(path, **options)


class Layout(NamedTuple):
    """A layout with its settings under `data:`, but for root and image_size."""

    write: Callable[[Path], Path]
    data: dict[str, Any]

    def settings(self, root: Path, image_size: tuple[int, int] = (24, 32)) -> DataSettings:
        """Write it to `root`, and return the settings that it is read with."""
        data = {**self.data, "root": self.write(root), "image_size": image_size}
        return TypeAdapter(DataSettings).validate_python(data)


LAYOUTS = {
    "cityscapes": Layout(write_cityscapes, {"dataset": "cityscapes", "train_images": 6}),
    "cityscapes, 30 classes": Layout(
        write_cityscapes, {"dataset": "cityscapes", "labels": "annotated", "train_images": 6}
    ),
    "cityscapes, 34 classes": Layout(
        write_cityscapes, {"dataset": "cityscapes", "labels": "all", "train_images": 6}
    ),
    "kitti semantics": Layout(
        write_kitti_semantics, {"dataset": "kitti_semantics", "train_images": 8}
    ),
    "kitti road": Layout(write_kitti_road, {"dataset": "kitti_road", "train_images": 12}),
    "landcover": Layout(write_landcover, {"dataset": "landcover", "train_images": 8}),
    "landcover with unknown": Layout(
        write_landcover, {"dataset": "landcover", "unknown": "class", "train_images": 8}
    ),
    "landcover of the course": Layout(
        write_landcover_course, {"dataset": "landcover", "layout": "course", "train_images": 6}
    ),
    "sunrgbd": Layout(write_sunrgbd, {"dataset": "sunrgbd", "train_images": 18}),
    "sunrgbd reorganized": Layout(
        write_sunrgbd_reorganized,
        {"dataset": "sunrgbd", "layout": "reorganized", "train_images": 6},
    ),
    "camvid of segnet": Layout(write_camvid, {"dataset": "camvid", "train_images": 6}),
    "camvid, original": Layout(
        write_camvid_original, {"dataset": "camvid", "layout": "original", "train_images": 6}
    ),
    "camvid, original by sequence": Layout(
        write_camvid_original,
        {"dataset": "camvid", "layout": "original", "split": "by_sequence", "train_images": 6},
    ),
    "camvid, original in directories": Layout(
        write_camvid_directories,
        {"dataset": "camvid", "layout": "original", "split": "directories", "train_images": 6},
    ),
    "oxford pets of two breeds": Layout(
        write_oxford_pets, {"dataset": "oxford_pets", "train_images": 16}
    ),
}
"""What there is to run a sweep on, by a name for people."""
