"""LabelMe's JSON files, one beside each image: https://github.com/wkentaro/labelme."""

import math
from pathlib import Path
from typing import Any

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.convert.annotations import (
    Annotated,
    Annotations,
    Points,
    Shape,
    corners_of,
    polygon_of,
)
from searchctl.trainer.data.convert.json_file import member, read_json

_CORNERS_OF_CIRCLE = 72


def read_labelme(directory: Path, images: Path | None = None) -> Annotations:
    """Read all annotation files of a directory; classes are in the order of their names.

    Args:
        directory: of the JSON files.
        images: directory of the images; where each file says, if None.

    Raises:
        DataError: a file cannot be read or has a shape that is no area; each is named.
    """
    found, problems = [], list[str]()
    for path in sorted(directory.glob("*.json")):
        try:
            found.append(_annotated(path, images))
        except DataError as error:
            problems += error.every
        except ValueError as error:
            problems.append(f"{path}: {error}")
    if not found and not problems:
        problems.append(f"{directory}: holds no .json file")
    if problems:
        raise DataError(*problems)
    names = {shape.class_name for each in found for shape in each.shapes}
    return Annotations(tuple(sorted(names)), tuple(found))


def _annotated(path: Path, images: Path | None) -> Annotated:
    content = read_json(path)
    named = Path(member(content, "imagePath", str).replace("\\", "/"))
    image = images / named.name if images else path.parent / named
    shapes = []
    for place, each in enumerate(member(content, "shapes", list), 1):
        try:
            shapes.append(Shape(member(each, "label", str), (_polygon(each),)))
        except ValueError as error:
            raise ValueError(f"shape {place}: {error}") from None
    height, width = content.get("imageHeight"), content.get("imageWidth")
    return Annotated(image, tuple(shapes), (height, width) if height and width else None)


def _polygon(shape: dict[str, Any]) -> Points:
    kind, points = shape.get("shape_type") or "polygon", corners_of(member(shape, "points", list))
    if kind in ("rectangle", "circle") and len(points) != 2:
        raise ValueError(f"is a {kind} of {len(points)} points, and needs two: draw it again")
    match kind:
        case "polygon":
            return polygon_of(points)
        case "rectangle":
            (left, top), (right, bottom) = points
            return [(left, top), (right, top), (right, bottom), (left, bottom)]
        case "circle":
            (x, y), edge = points
            radius = math.dist((x, y), edge)
            turns = (2 * math.pi * step / _CORNERS_OF_CIRCLE for step in range(_CORNERS_OF_CIRCLE))
            return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
    raise ValueError(
        f"is of the type {kind}; polygon, rectangle and circle have an area: draw it as a polygon"
    )
