"""Draws a contact sheet: images of a data set with their labels, to inspect the data."""

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
"""Opacity of a class's colour over the grey image."""


class Example(NamedTuple):
    """An image of the sheet."""

    name: str
    image: Image
    label: Label
    """[height, width] class ids; [1, 1] for the class of a whole image."""


def contact_sheet(
    dataset: Dataset, title: str, splits: Sequence[tuple[str, Sequence[Example]]]
) -> Picture.Image:
    """Return a picture with examples of each split: an image, and below it the labelled image.

    Unlabeled pixels are striped. Images are resized to a tile and keep their aspect ratio.

    Args:
        dataset: data set with the class names and colours.
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
    """Return a row of tiles; their parts are aligned in lines, and centred in each cell."""
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
    """Return the parts of a tile: the image, its label, and its name."""
    picture = Picture.fromarray(dataset.displayed(example.image))
    scale = _TILE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.resize(size, Picture.Resampling.LANCZOS)
    if example.label.size == 1:
        labelled = swatch(dataset, int(example.label.item()), _COVERS)
    else:
        label = Picture.fromarray(example.label).resize(size, Picture.Resampling.NEAREST)
        drawn = coloured(dataset, np.asarray(label), np.asarray(small), _COVERS)
        labelled = Picture.fromarray(drawn)
    return [small, labelled, text(shortened(example.name, 13, _TILE), 13, PALE)]
