"""Draws images of a data set with their labels over them on one sheet, for a look at the data."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image as Picture

from searchctl.trainer.data.sets.base import Dataset, Image, Label
from searchctl.trainer.pictures.drawing import (
    GAP,
    INK,
    PALE,
    coloured,
    legend,
    paper,
    shortened,
    stacked,
    swatch,
    text,
)

COLUMNS = 6
_TILE, _SEAM, _MARGIN = 260, 3, 24
_WIDTH = COLUMNS * _TILE + (COLUMNS - 1) * GAP + 2 * _MARGIN
_COVERS = 0.6
"""Share of a class's colour in a labeled pixel; the rest is the image, in grey."""


class Example(NamedTuple):
    """An image to be drawn."""

    name: str
    image: Image
    label: Label
    """[height, width], or [1, 1] for the class of the whole image."""


def contact_sheet(
    dataset: Dataset, title: str, splits: Sequence[tuple[str, Sequence[Example]]]
) -> Picture.Image:
    """Return a picture of examples of each split: each image, and below it its label over it.

    Pixels of no class are striped. Images keep their shape, and are shrunk to a tile.

    Args:
        dataset: whose classes and colours are drawn.
        title: the first line.
        splits: heading and examples of each split.
    """
    labels = [example.label for _, examples in splits for example in examples]
    classes = [*range(len(dataset.class_names))]
    if any((label == dataset.ignore_index).any() for label in labels):
        classes.append(dataset.ignore_index)
    swatches = [swatch(dataset, each, _COVERS) for each in classes]
    parts = [text(title, 28, INK), legend(swatches, _WIDTH - 2 * _MARGIN)]
    for heading, examples in splits:
        parts += [paper(1, GAP), text(heading, 19, INK)]
        for start in range(0, len(examples), COLUMNS):
            row = examples[start : start + COLUMNS]
            parts.append(_row([_tile(dataset, example) for example in row]))
    return stacked(parts, _WIDTH, _MARGIN)


def _row(tiles: Sequence[Sequence[Picture.Image]]) -> Picture.Image:
    """Return tiles side by side, their parts on a level and each in the middle of its place."""
    levels = list(zip(*tiles, strict=True))
    heights = [max(part.height for part in level) for level in levels]
    row = paper(_WIDTH - 2 * _MARGIN, sum(heights) + _SEAM * len(heights))
    top = 0
    for level, height in zip(levels, heights, strict=True):
        for column, part in enumerate(level):
            left = column * (_TILE + GAP) + (_TILE - part.width) // 2
            row.paste(part, (left, top + (height - part.height) // 2))
        top += height + _SEAM
    return row


def _tile(dataset: Dataset, example: Example) -> list[Picture.Image]:
    """Return an image, what its label says, and its name."""
    picture = Picture.fromarray(example.image)
    scale = _TILE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.resize(size, Picture.Resampling.LANCZOS)
    if example.label.size == 1:
        said = swatch(dataset, int(example.label.item()), _COVERS)
    else:
        label = Picture.fromarray(example.label).resize(size, Picture.Resampling.NEAREST)
        drawn = coloured(dataset, np.asarray(label), np.asarray(small), _COVERS)
        said = Picture.fromarray(drawn)
    return [small, said, text(shortened(example.name, 13, _TILE), 13, PALE)]
