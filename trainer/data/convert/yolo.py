"""YOLO's segmentation labels: a text file for each image, a polygon a line, in shares of its sides.

https://docs.ultralytics.com/datasets/segment/
"""

from collections.abc import Sequence
from pathlib import Path

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.convert.annotations import Annotated, Annotations, Shape
from searchctl.trainer.data.files.raster import raster_size

_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_BOX = 5
"""Numbers in a line that is a box of detection."""


def read_yolo(labels: Path, images: Path, class_names: Sequence[str]) -> Annotations:
    """Read the labels of a directory; an image without a file of labels has no object.

    Args:
        labels: directory of the text files.
        images: directory of the images.
        class_names: names of the classes 0, 1, ... of the labels.

    Raises:
        DataError: an image or a line cannot be read, or a class has no name; each is named.
    """
    found, problems = [], []
    try:
        paths = sorted(path for path in images.iterdir() if path.suffix.lower() in _IMAGES)
    except OSError as error:
        raise DataError(f"{images}: cannot be listed ({error.strerror})") from error
    for path in paths:
        try:
            size = raster_size(path)
            file = labels / f"{path.stem}.txt"
            lines = file.read_text().splitlines() if file.exists() else []
        except (DataError, OSError, UnicodeDecodeError) as error:
            problems.append(str(error))
            continue
        shapes = []
        for number, line in enumerate(lines, 1):
            try:
                if line.strip():
                    shapes.append(_shape(line.split(), size, class_names))
            except ValueError as error:
                problems.append(f"{file}:{number}: {error}")
        found.append(Annotated(path, tuple(shapes), size))
    if not paths:
        problems.append(f"{images}: holds no images ({', '.join(_IMAGES)})")
    if problems:
        raise DataError(*problems)
    return Annotations(tuple(class_names), tuple(found))


def _shape(fields: list[str], size: tuple[int, int], class_names: Sequence[str]) -> Shape:
    class_id, numbers = int(fields[0]), [float(field) for field in fields[1:]]
    if not 0 <= class_id < len(class_names):
        raise ValueError(f"class {class_id} has no name: give {class_id + 1} names, in their order")
    if len(fields) == _BOX:
        raise ValueError("is a box of detection; a polygon has three corners at least")
    if len(numbers) % 2:
        raise ValueError(f"has {len(numbers)} coordinates, which is no whole number of corners")
    height, width = size
    shares = zip(numbers[::2], numbers[1::2], strict=True)
    return Shape(class_names[class_id], (tuple((x * width, y * height) for x, y in shares),))
