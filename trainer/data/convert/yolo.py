"""YOLO's segmentation labels: a text file for each image, a polygon a line, in shares of its sides.

https://docs.ultralytics.com/datasets/segment/
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.convert.annotations import Annotated, Annotations, Shape, polygon_of
from searchctl.trainer.data.files.raster import raster_size

_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_BOX = 5
"""Numbers in a line that is a box of detection."""
_NO_LABELS = {"classes"}
"""Text files that tools write beside the labels."""


def read_yolo(labels: Path, images: Path, class_names: Sequence[str]) -> Annotations:
    """Read the labels of a directory; an image without a file of labels has no object.

    Args:
        labels: directory of the text files.
        images: directory of the images.
        class_names: names of the classes 0, 1, ... of the labels.

    Raises:
        DataError: an image or a line cannot be read, or a class has no name; each is named.
    """
    try:
        paths = sorted(path for path in images.iterdir() if path.suffix.lower() in _IMAGES)
    except OSError as error:
        raise DataError(f"{images}: cannot be listed ({error.strerror})") from error
    found, problems = [], _problems(labels, images, paths, class_names)
    for path in paths:
        try:
            found.append(_annotated(path, labels / f"{path.stem}.txt", class_names))
        except DataError as error:
            problems += error.every
    if problems:
        raise DataError(*problems)
    return Annotations(tuple(class_names), tuple(found))


def _problems(
    labels: Path, images: Path, paths: Sequence[Path], class_names: Sequence[str]
) -> list[str]:
    """Return what is wrong with the directories and the names."""
    problems = [
        f"--names: '{name}' is the name of {count} classes: give each its own"
        for name, count in Counter(class_names).items()
        if count > 1
    ]
    if not paths:
        problems.append(f"{images}: holds no images ({', '.join(_IMAGES)})")
    files = [file for file in sorted(labels.glob("*.txt")) if file.stem not in _NO_LABELS]
    if not files:
        problems.append(f"{labels}: holds no .txt file of labels")
    stems = {path.stem for path in paths}
    return problems + [
        f"{file}: no image of this name is in {images}: add it, or remove the labels"
        for file in files
        if file.stem not in stems
    ]


def _annotated(path: Path, file: Path, class_names: Sequence[str]) -> Annotated:
    size = raster_size(path)
    shapes, problems = [], []
    for number, line in enumerate(_lines(file), 1):
        try:
            if line.strip():
                shapes.append(_shape(line.split(), size, class_names))
        except ValueError as error:
            problems.append(f"{file}:{number}: {error}")
    if problems:
        raise DataError(*problems)
    return Annotated(path, tuple(shapes), size)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{file}: is no text in UTF-8") from None


def _shape(fields: list[str], size: tuple[int, int], class_names: Sequence[str]) -> Shape:
    class_id, shares = _numbers(fields)
    if not 0 <= class_id < len(class_names):
        raise ValueError(f"class {class_id} has no name: give {class_id + 1} names, in their order")
    if len(fields) == _BOX:
        raise ValueError("is a box of detection; a polygon has three corners at least")
    if len(shares) % 2:
        raise ValueError(f"has {len(shares)} coordinates, which is no whole number of corners")
    if not all(-1 <= share <= 2 for share in shares):
        raise ValueError(
            "has a coordinate far from 0 to 1, or NaN: divide pixels by the image's width or height"
        )
    height, width = size
    pairs = zip(shares[::2], shares[1::2], strict=True)
    return Shape(class_names[class_id], (polygon_of([(x * width, y * height) for x, y in pairs]),))


def _numbers(fields: list[str]) -> tuple[int, list[float]]:
    try:
        return int(fields[0]), [float(field) for field in fields[1:]]
    except ValueError:
        raise ValueError(
            "is not the number of a class and coordinates: write '0 0.1 0.1 0.5 0.1 0.5 0.5'"
        ) from None
