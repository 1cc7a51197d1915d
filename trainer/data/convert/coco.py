"""COCO's JSON: https://cocodataset.org/#format-data, with polygons and run lengths."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from searchctl.trainer.core.errors import DataError, first_few
from searchctl.trainer.data.convert.annotations import Annotated, Annotations, Shape, polygon_of
from searchctl.trainer.data.convert.json_file import member, read_json
from searchctl.trainer.data.convert.run_lengths import runs_of

_Id = int | str
_Sizes = Mapping[_Id, tuple[int, int]]
"""Height and width of each image."""


def read_coco(path: Path, images: Path) -> Annotations:
    """Read one annotation file; larger objects are drawn first, so that small ones stay visible.

    Args:
        path: of the JSON file.
        images: directory of the images that it names.

    Raises:
        DataError: it cannot be read, or is not of this format; annotations are named by their ids.
    """
    content = read_json(path)
    try:
        categories = {
            key: member(each, "name", str) for key, each in _by_id(content, "categories").items()
        }
        listed = _by_id(content, "images")
        names = {key: member(each, "file_name", str) for key, each in listed.items()}
        sizes = {key: _size(each) for key, each in listed.items()}
        annotations = member(content, "annotations", list)
    except ValueError as error:
        raise DataError(f"{path}: is no COCO annotation file: {error}") from None
    shapes = _shapes(path, annotations, categories, sizes)
    found = tuple(
        Annotated(images / name, tuple(sorted(shapes[key], key=_largest)), sizes[key])
        for key, name in names.items()
    )
    ordered = (categories[key] for key in sorted(categories, key=_place))
    return Annotations(tuple(dict.fromkeys(ordered)), found)


def _by_id(content: Any, name: str) -> dict[_Id, Any]:
    entries = member(content, name, list)
    found = {member(each, "id", int, str): each for each in entries}
    if len(found) < len(entries):
        raise ValueError(f"'{name}' has one id twice: give each its own")
    return found


def _size(image: Any) -> tuple[int, int]:
    return member(image, "height", int), member(image, "width", int)


def _shapes(
    path: Path, annotations: list[Any], categories: Mapping[_Id, str], sizes: _Sizes
) -> dict[_Id, list[Shape]]:
    """Return each image's objects."""
    found: dict[_Id, list[Shape]] = {key: [] for key in sizes}
    problems: dict[str, list[str]] = {}
    for place, each in enumerate(annotations):
        try:
            image, shape = _shape(each, categories, sizes)
            found[image].append(shape)
        except ValueError as error:
            known = isinstance(each, dict) and "id" in each
            name = str(each["id"]) if known else f"at place {place} of the list"
            problems.setdefault(str(error), []).append(name)
    if problems:
        raise DataError(
            *(f"{path}, annotation {first_few(ids)}: {what}" for what, ids in problems.items())
        )
    return found


def _shape(each: Any, categories: Mapping[_Id, str], sizes: _Sizes) -> tuple[_Id, Shape]:
    category = member(each, "category_id", int, str)
    if category not in categories:
        raise ValueError("is of no category of the file: add the category, or correct category_id")
    image = member(each, "image_id", int, str)
    if image not in sizes:
        raise ValueError("is of no image of the file: add the image, or leave the annotation out")
    if not each.get("segmentation"):
        raise ValueError(
            "has no segmentation; boxes are not masks: draw a polygon, or leave the annotation out"
        )
    held, name = member(each, "segmentation", list, dict), categories[category]
    if isinstance(held, dict):
        return image, Shape(name, runs=runs_of(held, sizes[image]))
    return image, Shape(name, tuple(polygon_of(_pairs(flat)) for flat in held))


def _largest(shape: Shape) -> float:
    return -shape.area


def _place(key: _Id) -> tuple[bool, _Id]:
    return isinstance(key, str), key


def _pairs(flat: Any) -> list[tuple[Any, Any]]:
    if not isinstance(flat, list):
        raise ValueError("has a polygon that is no list of coordinates: write [[x, y, x, y, ..]]")
    if len(flat) % 2:
        raise ValueError(f"has a polygon of {len(flat)} coordinates: each corner needs x and y")
    return list(zip(flat[::2], flat[1::2], strict=True))
