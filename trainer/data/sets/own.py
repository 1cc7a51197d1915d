"""A data set that is a class of the user's own, as one of ours.

The class is called with `root` (where the settings have one) and `args`, and has

    classes         names of the classes, in the order of their ids 0..C-1
    train, val      lists of names, one for each image; `test` too, if there is a test split
    image(name)     [height, width, 3] RGB of bytes; with `bands`, [height, width, channels] of
                    bytes, uint16 or floats, of which these bands are taken
    label(name)     [height, width] uint8 class ids, `ignore_index` where there is no class

and, where they help,

    ignore_index    255, if it is left out
    palette         a colour (red, green, blue) for each class, for pictures
    files(name)     paths of the files that the pair is read from, so that the data are known by
                    content; left out, names and sizes of all files below `root` count
    group(name)     clip, city or scene of the image, for statistics
    check()         raises ValueError where something is wrong
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from searchctl.trainer.core.errors import DataError, SettingsError
from searchctl.trainer.data.files.raster import mask_missing
from searchctl.trainer.data.files.readers import RasterReader
from searchctl.trainer.data.sets.base import Colour, Dataset, Image, Label, Reading, Seen
from searchctl.trainer.data.sets.folders.folder import spread_colour
from searchctl.trainer.data.sets.listing import files_below
from searchctl.trainer.data.settings import Split
from searchctl.trainer.data.settings.own import OwnData
from searchctl.trainer.own_code.calls import checked_call, import_object, own_errors
from searchctl.trainer.own_code.sources import source_hash

_NEEDED = ("classes", "train", "val", "image", "label")
_SPLITS: tuple[Split, ...] = ("train", "val", "test")


class OwnDataset(Dataset):
    """A user's data set behind the interface of ours.

    Raises:
        SettingsError: the class cannot be imported or built.
        DataError: it lacks an attribute, or classes and names are not what they must be.
    """

    def __init__(self, settings: OwnData) -> None:
        self.where, self.root = settings.dataset, settings.root
        target = import_object(self.where)
        given = () if self.root is None else (self.root,)
        self._own = checked_call(self.where, target, *given, **settings.args)
        if missing := [name for name in _NEEDED if not hasattr(self._own, name)]:
            raise DataError(f"{self.where} has no {', '.join(missing)}: a data set needs them")
        self.class_names = tuple(map(str, self._own.classes))
        self.ignore_index = int(getattr(self._own, "ignore_index", 255))
        if not 1 <= len(self.class_names) <= 255 or 0 <= self.ignore_index < len(self.class_names):
            raise DataError(
                f"{self.where}: {len(self.class_names)} classes and ignore_index "
                f"{self.ignore_index}: ids 0..C-1 are classes, and another one of 0..255 is ignored"
            )
        self.palette = self._palette()
        self._bands = settings.bands
        self._nodata = settings.nodata
        if settings.bands is not None:
            self._reader = RasterReader(settings.bands, settings.nodata, settings.shown_bands)
        self.code = source_hash(target)

    def names(self, split: Split) -> tuple[str, ...]:
        """Return the images' names."""
        return self._names[split]

    def load(self, split: Split, index: int) -> tuple[Image, Label]:
        """Return an image and its label."""
        image, label, _ = self.read(split, index)
        return image, label

    def read(self, split: Split, index: int) -> Reading:
        """Return an image and its label after a check of their shapes and types."""
        name = self.names(split)[index]
        with self._named(name):
            image, label = np.asarray(self._own.image(name)), np.asarray(self._own.label(name))
        label = self._checked_label(name, label)
        image = self._checked_image(name, image)
        if image.shape[:2] != label.shape:
            raise DataError(
                f"{self.where}: {name}: the image is {image.shape[0]}x{image.shape[1]}, its label "
                f"{label.shape[0]}x{label.shape[1]}"
            )
        return Reading(image, mask_missing(image, label, self.ignore_index), Seen())

    def displayed(self, image: Image) -> Image:
        """Return an image as 8-bit RGB, for pictures."""
        return image if self._bands is None else self._reader.displayed(image)

    def files_of(self, split: Split, index: int) -> tuple[Path, ...]:
        """Return the files of a pair, if the class names them."""
        if not hasattr(self._own, "files"):
            return ()
        with self._named(self.names(split)[index]):
            return tuple(map(Path, self._own.files(self.names(split)[index])))

    def files(self, split: Split) -> tuple[Path, ...]:
        """Return the files of a split; all below `root`, if the class does not name them."""
        if hasattr(self._own, "files") or self.root is None:
            return super().files(split)
        return files_below(self.root, set())

    def group(self, split: Split, index: int) -> str:
        """Return the group of an image; itself, if the class names none."""
        name = self.names(split)[index]
        if not hasattr(self._own, "group"):
            return name
        with self._named(name):
            return str(self._own.group(name))

    def check(self) -> None:
        """Run the check of the class, if it has one, and look for the files that it names.

        Raises:
            DataError: something is wrong.
        """
        if self.root is not None and not self.root.is_dir():
            raise DataError(f"{self.root} is no directory: set data.root")
        if hasattr(self._own, "check"):
            with self._named("check"):
                self._own.check()
        if missing := [path for path in self._named_files() if not path.exists()]:
            raise DataError(*(f"{path}: missing" for path in missing))

    def fingerprint_parts(self) -> tuple[str, ...]:
        """Return the names, and the sizes of the files that the class names, or of all."""
        names = super().fingerprint_parts()
        if self.root is None or hasattr(self._own, "files"):
            return (*names, *(str(path.stat().st_size) for path in self._named_files()))
        root = self.root
        listed = (
            f"{path.relative_to(root).as_posix()} {path.stat().st_size}"
            for path in files_below(root, set())
        )
        return (*names, *listed)

    def _named_files(self) -> list[Path]:
        """Return the files of all splits that the class names."""
        return [path for split in _SPLITS for path in Dataset.files(self, split)]

    @cached_property
    def _names(self) -> dict[Split, tuple[str, ...]]:
        found: dict[Split, tuple[str, ...]] = {}
        for split in _SPLITS:
            names = tuple(getattr(self._own, split, ()))
            if any(not isinstance(name, str) for name in names) or len({*names}) < len(names):
                raise DataError(f"{self.where}: {split} must list names, each a text, and once")
            found[split] = names
        if both := {*found["train"]} & {*found["val"], *found["test"]}:
            raise DataError(f"{self.where}: {min(both)} is in train, and in val or test")
        return found

    def _palette(self) -> tuple[Colour, ...]:
        given: Sequence[Sequence[int]] | None = getattr(self._own, "palette", None)
        if given is None:
            return tuple(map(spread_colour, range(len(self.class_names))))
        if len(given) != len(self.class_names) or any(len(colour) != 3 for colour in given):
            raise DataError(f"{self.where}: palette must have a colour (r, g, b) for each class")
        return tuple((int(red), int(green), int(blue)) for red, green, blue in given)

    def _checked_image(self, name: str, image: Any) -> Image:
        if image.ndim == 2:
            image = image[..., None]
        bands = self._bands
        if bands is None:
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
                raise DataError(
                    f"{self.where}: image('{name}') is {image.dtype} {list(image.shape)}: without "
                    "`bands` it must be uint8 [height, width, 3]; for other channels or numbers, "
                    "set bands: [0, 1, ..]"
                )
            return np.ascontiguousarray(image)
        if image.ndim != 3 or image.shape[2] <= max(bands) or image.dtype.kind not in "uif":
            raise DataError(
                f"{self.where}: image('{name}') is {image.dtype} {list(image.shape)}, and bands "
                f"names band {max(bands)}: return [height, width, channels] of numbers"
            )
        raster: Image = image[..., list(bands)].astype(np.float32)
        if self._nodata is not None:
            raster[raster == np.float32(self._nodata)] = np.nan
        return raster

    def _checked_label(self, name: str, label: Any) -> Label:
        if label.ndim != 2 or label.dtype.kind not in "ui":
            raise DataError(
                f"{self.where}: label('{name}') is {label.dtype} {list(label.shape)}: it must be "
                "whole numbers [height, width]"
            )
        allowed = {*range(len(self.class_names)), self.ignore_index}
        if wrong := sorted({*np.unique(label).tolist()} - allowed):
            raise DataError(
                f"{self.where}: label('{name}') holds class id {wrong[0]}; allowed are "
                f"0..{len(self.class_names) - 1} and {self.ignore_index} (ignored)"
            )
        ids: Label = label.astype(np.uint8)
        return ids

    @contextmanager
    def _named(self, name: str) -> Iterator[None]:
        """Report errors of the class with the image's name, and its own lines.

        Raises:
            DataError: the block raised an error, and memory did not run out.
        """
        try:
            with own_errors(self.where):
                yield
        except (SettingsError, OSError) as error:
            raise DataError(f"{name}: {error}") from error
