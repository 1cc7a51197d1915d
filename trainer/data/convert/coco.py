"""COCO's JSON: https://cocodataset.org/#format-data, with polygons and run lengths."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.convert.annotations import Annotated, Annotations, Shape


def read_coco(path: Path, images: Path) -> Annotations:
    """Read one annotation file; larger objects are drawn first, so that small ones stay visible.

    Args:
        path: of the JSON file.
        images: directory of the images that it names.

    Raises:
        DataError: it cannot be read, or is not of this format.
    """
    try:
        content = json.loads(path.read_bytes())
        categories = {each["id"]: str(each["name"]) for each in content["categories"]}
        shapes = _shapes(content["annotations"], categories)
        found = tuple(
            Annotated(
                images / each["file_name"],
                tuple(shape for _, shape in sorted(shapes.get(each["id"], []), key=_largest)),
                (each["height"], each["width"]),
            )
            for each in content["images"]
        )
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: is no COCO annotation file ({error!r})") from error
    names = (categories[each] for each in sorted(categories))
    return Annotations(tuple(dict.fromkeys(names)), found)


def _shapes(
    annotations: list[Mapping[str, Any]], categories: Mapping[int, str]
) -> dict[int, list[tuple[float, Shape]]]:
    """Return each image's objects with their areas."""
    found: dict[int, list[tuple[float, Shape]]] = {}
    for each in annotations:
        if each["category_id"] not in categories:
            raise ValueError(f"annotation {each.get('id')} is of no category of the file")
        name, held = categories[each["category_id"]], each["segmentation"]
        if isinstance(held, Mapping):
            counts = held["counts"]
            runs = counts if isinstance(counts, list) else list(unpacked(counts))
            shape = Shape(name, runs=tuple(runs))
        else:
            shape = Shape(name, tuple(_corners(flat) for flat in held))
        area = float(each.get("area", 0.0))
        found.setdefault(each["image_id"], []).append((area, shape))
    return found


def unpacked(counts: str) -> Iterator[int]:
    """Yield the run lengths of a packed string: five bits a character, differences from the third.

    It is the format of `rleToString` in COCO's own maskApi.c: the sixth bit says that a number is
    continued, and the fifth bit of its last character is the sign.
    """
    earlier: list[int] = []
    number = shift = 0
    for code in counts.encode():
        bits = code - 48
        number |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            number -= 1 << shift
        if len(earlier) > 2:
            number += earlier[-2]
        earlier.append(number)
        yield number
        number = shift = 0


def _largest(entry: tuple[float, Shape]) -> float:
    return -entry[0]


def _corners(flat: list[float]) -> tuple[tuple[float, float], ...]:
    return tuple(zip(flat[::2], flat[1::2], strict=True))
