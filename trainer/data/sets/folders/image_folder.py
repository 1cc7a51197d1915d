"""Images in one directory for each class: an image's class is a label of one pixel."""

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ImageOps

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.files.reading import as_rgb, is_on_its_side, opened_image
from searchctl.trainer.data.sets.base import Colour, Dataset, Image, Label
from searchctl.trainer.data.sets.files import SPLITS
from searchctl.trainer.data.sets.folders.folder import spread_colour
from searchctl.trainer.data.sets.folders.folder_table import SPLIT_NAMES
from searchctl.trainer.data.sets.listing import LITTER, files_below, visible
from searchctl.trainer.data.sets.validation_split import validation_split
from searchctl.trainer.data.settings import ImageFolderData, Split

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm"})
MOST_CLASSES = 255
"""Labels are bytes, of which the last means no class."""
_VALIDATES = 5
"""One in so many images of a class validates, where no directory says which."""


class _Item(NamedTuple):
    path: Path
    class_id: int


class ImageFolder(Dataset):
    """The images of train/CLASS/, val/CLASS/ and test/CLASS/; or of CLASS/, with a part validation.

    The classes are the directories of the training images, in the order of their names. A label is
    of one pixel, so that losses, scores and stored counts are those of segmentation: of images in
    place of pixels.
    """

    ignore_index = MOST_CLASSES
    read_whole = True

    def __init__(self, settings: ImageFolderData) -> None:
        self._root = self.root = settings.root

    @cached_property
    def class_names(self) -> tuple[str, ...]:  # type: ignore[override]  # known from the disk only
        """Names of the directories that hold the training images.

        Raises:
            DataError: there are none, fewer than two, or more than a label can encode.
        """
        names = tuple(path.name for path in _directories(self._pool))
        splits = {*SPLIT_NAMES["val"], *SPLIT_NAMES["test"]}
        if self._pool == self._root and "train" in names and splits & {*names}:
            raise DataError(f"{self._root / 'train'}: holds no directories, one for each class")
        if len(names) < 2:
            raise DataError(
                f"{self._pool}: holds {len(names)} directories, of at least 2 classes; is `root` "
                "right? It holds train/CLASS/ and val/CLASS/, or CLASS/"
            )
        if len(names) > MOST_CLASSES:
            raise DataError(
                f"{self._pool}: holds {len(names)} classes; more than {MOST_CLASSES} cannot be "
                "distinguished, as labels are bytes: leave classes out, or join some"
            )
        return names

    @cached_property
    def palette(self) -> tuple[Colour, ...]:  # type: ignore[override]
        """Colours far apart, the same for a class of the same number in any data set."""
        return tuple(spread_colour(class_id) for class_id in range(len(self.class_names)))

    def names(self, split: Split) -> tuple[str, ...]:
        """Return the images' paths below root, by class.

        Raises:
            DataError: a directory cannot be listed, or holds what it should not.
        """
        return tuple(self._name(item.path) for item in self._items[split])

    def load(self, split: Split, index: int) -> tuple[Image, Label]:
        """Read an image as it is meant to be seen (EXIF says which side is up) and its class."""
        path, class_id = self._items[split][index]
        with opened_image(path, may_be_turned=True) as picture:
            image = np.asarray(as_rgb(ImageOps.exif_transpose(picture)))
        return image, np.full((1, 1), class_id, dtype=np.uint8)

    def size(self, split: Split, index: int) -> tuple[int, int]:
        """Return an image's height and width as it is meant to be seen, from its header."""
        with opened_image(self._items[split][index].path, may_be_turned=True) as picture:
            height, width = picture.height, picture.width
            return (width, height) if is_on_its_side(picture) else (height, width)

    def files_of(self, split: Split, index: int) -> tuple[Path, ...]:
        """Return the image."""
        return (self._items[split][index].path,)

    def unused(self) -> tuple[Path, ...]:
        """Return the files below the directory that are neither read nor hidden."""
        used = (path for split in SPLITS for path in self.files(split))
        return files_below(self._root, used)

    def check(self) -> None:
        """Check that every image opens, reading headers only."""
        problems = []
        for path in dict.fromkeys(item.path for split in SPLITS for item in self._items[split]):
            try:
                with opened_image(path, may_be_turned=True):
                    pass
            except DataError as error:
                problems.append(str(error))
        if problems:
            raise DataError(*problems)

    def fingerprint_parts(self) -> tuple[str, ...]:
        """Return each image's split and path with its size in bytes."""
        return tuple(
            f"{split}/{self._name(path)} {path.stat().st_size}"
            for split in SPLITS
            for path, _ in self._items[split]
        )

    @cached_property
    def _pool(self) -> Path:
        """The directory of the training images' classes."""
        train = self._root / "train"
        is_split = train.is_dir() and bool(_directories(train))  # else it is a class, of vehicles
        return train if is_split else self._root

    @cached_property
    def _items(self) -> dict[Split, tuple[_Item, ...]]:
        train, val, test = self._pooled, self._given("val"), self._given("test")
        if val is None:
            pooled = {self._name(item.path): item for item in train}
            chosen = validation_split(
                pooled, _VALIDATES, lambda name: pooled[name].path.parent.name
            )
            val = tuple(item for name, item in pooled.items() if name in chosen)
            train = tuple(item for name, item in pooled.items() if name not in chosen)
        return {"train": train, "val": val, "test": test or ()}

    @cached_property
    def _pooled(self) -> tuple[_Item, ...]:
        items = self._items_in(self._pool)
        empty = set(self.class_names) - {self.class_names[item.class_id] for item in items}
        if empty:
            fix = "holds no images; add some, or remove the directory"
            raise DataError(*(f"{self._pool / name}: {fix}" for name in sorted(empty)))
        return items

    def _given(self, split: Split) -> tuple[_Item, ...] | None:
        """Return the images of a split that has a directory of its own.

        Raises:
            DataError: it has two, such as val/ and valid/.
        """
        if self._pool == self._root:
            return None
        there = [name for name in SPLIT_NAMES[split] if (self._root / name).is_dir()]
        if len(there) > 1:
            raise DataError(
                f"{self._root}: holds {' and '.join(there)}, both for {split}: leave one"
            )
        return self._items_in(self._root / there[0]) if there else None

    def _items_in(self, directory: Path) -> tuple[_Item, ...]:
        ids = {name: class_id for class_id, name in enumerate(self.class_names)}
        problems, items = [], []
        for place in _directories(directory):
            if place.name not in ids:
                problems.append(f"{place}: is of no class: {self._pool} has no {place.name}/")
                continue
            for path in _files(place):
                problems += _problems(path)
                items.append(_Item(path, ids[place.name]))
        problems += [
            f"{path}: lies beside the classes' directories: move it into its own"
            for path in visible(directory)
            if path.suffix.lower() in IMAGES and path.is_file()
        ]
        if problems:
            raise DataError(*problems)
        return tuple(items)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


def _directories(directory: Path) -> list[Path]:
    return [path for path in visible(directory) if path.is_dir()]


def _files(directory: Path) -> list[Path]:
    return [path for path in visible(directory) if path.name.lower() not in LITTER]


def _problems(path: Path) -> list[str]:
    if path.is_dir():
        return [f"{path}: is a directory in a class's: move its images up"]
    if path.suffix.lower() not in IMAGES:
        return [f"{path}: is no image ({', '.join(sorted(IMAGES))}): remove it"]
    return []
