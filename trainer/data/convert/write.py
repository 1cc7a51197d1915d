"""Writes annotated images as a directory of images and masks, as `dataset: folder` reads it."""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Picture

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.convert.annotations import (
    MOST_CLASSES,
    Annotated,
    Annotations,
    drawn,
)
from searchctl.trainer.data.files.raster import raster_size

OnImage = Callable[[int, int], None]
"""Called with (done, all) after each image."""
BACKGROUND = "background"
CLASSES = ".classes"
"""File of a converted data set that keeps its classes, one a line, in the order of their ids."""


@dataclass(frozen=True)
class Converted:
    """Summary of a conversion."""

    class_names: tuple[str, ...]
    """In the order of their ids in the masks; the first is the background."""
    images: int
    empty: int
    """Images whose mask holds the background alone."""
    outside: tuple[Path, ...]
    """The image of each object that lies outside of it."""


def write_masks(
    annotations: Annotations,
    root: Path,
    split: str | None = None,
    on_image: OnImage = lambda done, total: None,
) -> Converted:
    """Write images/ and masks/ below the root, or below root/SPLIT.

    Images are linked to where they lie, or copied where that is not possible. A later split gets
    the ids of the first, which a hidden file keeps.

    Args:
        annotations: what is drawn.
        root: directory of the data set; made when needed.
        split: train, val or test; None for all images in one.
        on_image: called after each image.

    Raises:
        DataError: images are missing or of another size than stated, have equal names, classes are
            none, too many or not those of an earlier split, or the directory cannot be written to.
    """
    ids = _ids(annotations, root)
    problems = [*_name_problems(annotations)]
    empty, outside = 0, list[Path]()
    place = root / split if split else root
    try:
        for kind in ("images", "masks"):
            (place / kind).mkdir(parents=True, exist_ok=True)
        for done, each in enumerate(annotations.images, 1):
            try:
                size = _size(each)
                outside += [each.image for shape in each.shapes if shape.is_outside(size)]
                if not problems:
                    empty += not _write(each, ids, place, size)
            except DataError as error:
                problems += error.every
            on_image(done, len(annotations.images))
        if problems:
            raise DataError(*problems)
        (root / CLASSES).write_text("".join(f"{name}\n" for name in ids), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{place}: cannot be written to ({error.strerror or error})") from error
    return Converted(tuple(ids), len(annotations.images), empty, tuple(outside))


def _ids(annotations: Annotations, root: Path) -> dict[str, int]:
    names = [name for name in annotations.class_names if name != BACKGROUND]
    with suppress(FileNotFoundError):
        earlier = (root / CLASSES).read_text(encoding="utf-8").splitlines()[1:]
        if others := sorted({*names} - {*earlier}):
            raise DataError(
                f"{root / CLASSES}: has no class {', '.join(others)}; the splits of a data set "
                "have the same classes: convert the one with all classes first, or remove it"
            )
        names = earlier
    if not names:
        raise DataError("the annotations have no objects: a data set needs a class to learn")
    if wrong := [name for name in names if not name.strip() or not name.isprintable()]:
        raise DataError(
            f"the class name {wrong[0]!r} is blank or holds a control character: rename it"
        )
    if len(names) > MOST_CLASSES:
        raise DataError(
            f"{len(names)} classes do not fit into masks of bytes, which hold {MOST_CLASSES} "
            "besides the background: leave classes out, or join some"
        )
    return {BACKGROUND: 0, **{name: class_id for class_id, name in enumerate(names, 1)}}


def _name_problems(annotations: Annotations) -> list[str]:
    stems = Counter(each.image.stem for each in annotations.images)
    return [
        f"{each.image}: {stems[each.image.stem]} images are called {each.image.stem}, and their "
        "masks would be one file: rename them"
        for each in annotations.images
        if stems[each.image.stem] > 1
    ]


def _size(each: Annotated) -> tuple[int, int]:
    size = raster_size(each.image)
    if each.size is not None and size != tuple(each.size):
        raise DataError(
            f"{each.image}: has {size[1]}x{size[0]} pixels, and its annotations are of "
            f"{each.size[1]}x{each.size[0]}"
        )
    return size


def _write(each: Annotated, ids: dict[str, int], place: Path, size: tuple[int, int]) -> bool:
    """Return whether the mask holds an object."""
    try:
        mask = drawn(each.shapes, ids, size)
    except DataError as error:
        raise DataError(f"{each.image}: {error}") from None
    Picture.fromarray(mask).save(place / "masks" / f"{each.image.stem}.png")
    target = place / "images" / each.image.name
    if not target.exists():
        try:
            os.link(each.image, target)
        except OSError:  # on another disk, or not allowed
            shutil.copy2(each.image, target)
    return bool(mask.any())
