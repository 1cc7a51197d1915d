"""LabelMe's JSON files, one beside each image: https://github.com/wkentaro/labelme."""

import json
import math
from pathlib import Path
from typing import Any

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.convert.annotations import Annotated, Annotations, Points, Shape

_CORNERS_OF_CIRCLE = 72


def read_labelme(directory: Path, images: Path | None = None) -> Annotations:
    """Read all annotation files of a directory; classes are in the order of their names.

    Args:
        directory: of the JSON files.
        images: directory of the images; where each file says, if None.

    Raises:
        DataError: a file cannot be read or has a shape that is no area; each is named.
    """
    found, problems = [], []
    for path in sorted(directory.glob("*.json")):
        try:
            found.append(_annotated(path, images))
        except DataError as error:
            problems.append(f"{path}: {error}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.append(f"{path}: is no LabelMe file ({error!r})")
    if not found and not problems:
        problems.append(f"{directory}: holds no .json file")
    if problems:
        raise DataError(*problems)
    names = {shape.class_name for each in found for shape in each.shapes}
    return Annotations(tuple(sorted(names)), tuple(found))


def _annotated(path: Path, images: Path | None) -> Annotated:
    content = json.loads(path.read_bytes())
    named = Path(content["imagePath"].replace("\\", "/"))
    image = images / named.name if images else path.parent / named
    shapes = tuple(
        Shape(str(each["label"]), (_corners(each.get("shape_type", "polygon"), each["points"]),))
        for each in content["shapes"]
    )
    height, width = content.get("imageHeight"), content.get("imageWidth")
    return Annotated(image, shapes, (height, width) if height and width else None)


def _corners(kind: str, points: list[Any]) -> Points:
    match kind:
        case "polygon":
            return [(x, y) for x, y in points]
        case "rectangle":
            (left, top), (right, bottom) = points
            return [(left, top), (right, top), (right, bottom), (left, bottom)]
        case "circle":
            (x, y), edge = points
            radius = math.dist((x, y), edge)
            turns = (2 * math.pi * step / _CORNERS_OF_CIRCLE for step in range(_CORNERS_OF_CIRCLE))
            return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
    raise DataError(
        f"holds a shape of the type {kind}; polygon, rectangle and circle have an area: draw it as "
        "a polygon"
    )
