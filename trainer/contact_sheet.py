"""Draws images of a data set with their labels over them on one sheet, for a look at the data."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from trainer.datasets.base import Colour, Dataset, Image, Label

COLUMNS = 6
_TILE, _GAP, _SEAM, _MARGIN = 260, 10, 3, 24
_WIDTH = COLUMNS * _TILE + (COLUMNS - 1) * _GAP + 2 * _MARGIN
_PAPER, _INK, _PALE = (250, 250, 248), (32, 34, 38), (120, 124, 130)
_COVERS = 0.6
"""Share of a class's colour in a labeled pixel; the rest is the image, in grey."""
_STRIPE = 6
"""Pixels from one stripe to the next where there is no label."""
_UNLABELED = "no class"


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
    parts = [_text(title, 28, _INK), _legend([_swatch(dataset, each) for each in classes])]
    for heading, examples in splits:
        parts += [_paper(1, _GAP), _text(heading, 19, _INK)]
        for start in range(0, len(examples), COLUMNS):
            row = examples[start : start + COLUMNS]
            parts.append(_row([_tile(dataset, example) for example in row]))
    return _stacked(parts)


def _stacked(parts: Sequence[Picture.Image]) -> Picture.Image:
    height = sum(part.height + _GAP for part in parts) - _GAP + 2 * _MARGIN
    sheet = Picture.new("RGB", (_WIDTH, height), _PAPER)
    top = _MARGIN
    for part in parts:
        sheet.paste(part, (_MARGIN, top))
        top += part.height + _GAP
    return sheet


def _row(tiles: Sequence[Sequence[Picture.Image]]) -> Picture.Image:
    """Return tiles side by side, their parts on a level and each in the middle of its place."""
    levels = list(zip(*tiles, strict=True))
    heights = [max(part.height for part in level) for level in levels]
    row = _paper(_WIDTH - 2 * _MARGIN, sum(heights) + _SEAM * len(heights))
    top = 0
    for level, height in zip(levels, heights, strict=True):
        for column, part in enumerate(level):
            left = column * (_TILE + _GAP) + (_TILE - part.width) // 2
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
        said = _swatch(dataset, int(example.label.item()))
    else:
        label = Picture.fromarray(example.label).resize(size, Picture.Resampling.NEAREST)
        said = _covered(dataset, np.asarray(small), np.asarray(label))
    return [small, said, _text(_shortened(example.name, 13, _TILE), 13, _PALE)]


def _covered(dataset: Dataset, image: Image, label: Label) -> Picture.Image:
    """Return the image in grey below the colours of its label, striped where it has none."""
    grey = np.asarray(Picture.fromarray(image).convert("L"), dtype=np.float32)[..., None]
    colours = np.zeros((256, 3), dtype=np.float32)
    colours[: len(dataset.palette)] = dataset.palette
    covered = _COVERS * colours[label] + (1 - _COVERS) * grey
    rows, columns = np.indices(label.shape)
    dark = np.less((rows + columns) % _STRIPE, _STRIPE // 2)
    striped = np.where(dark[..., None], 0.0, 0.5 * grey + 90)
    unlabeled = np.equal(label, dataset.ignore_index)[..., None]
    return Picture.fromarray(np.where(unlabeled, striped, covered).astype(np.uint8))


def _legend(swatches: Sequence[Picture.Image]) -> Picture.Image:
    """Return the swatches, line by line."""
    width = _WIDTH - 2 * _MARGIN
    lines: list[list[Picture.Image]] = [[]]
    for swatch in swatches:
        if sum(each.width + _GAP for each in lines[-1]) + swatch.width > width:
            lines.append([])
        lines[-1].append(swatch)
    legend = _paper(width, len(lines) * (swatches[0].height + 2))
    for number, line in enumerate(lines):
        left = 0
        for swatch in line:
            legend.paste(swatch, (left, number * (swatch.height + 2)))
            left += swatch.width + _GAP
    return legend


def _swatch(dataset: Dataset, class_id: int) -> Picture.Image:
    """Return a square in the colour of a class, as it is over an image, and the class's name."""
    name = _UNLABELED if class_id == dataset.ignore_index else dataset.class_names[class_id]
    side = 16
    text = _text(_shortened(name, 15, _TILE - side - 6), 15, _INK)
    square = _covered(
        dataset,
        np.full((side, side, 3), 160, dtype=np.uint8),
        np.full((side, side), class_id, dtype=np.uint8),
    )
    swatch = _paper(side + 6 + text.width, max(side, text.height))
    swatch.paste(square, (0, (swatch.height - side) // 2))
    swatch.paste(text, (side + 6, (swatch.height - text.height) // 2))
    return swatch


def _text(text: str, size: int, colour: Colour) -> Picture.Image:
    font = ImageFont.load_default(size)
    _, _, right, bottom = font.getbbox(text)
    line = _paper(int(right) + 1, max(int(bottom), round(1.2 * size)) + 1)
    ImageDraw.Draw(line).text((0, 0), text, fill=colour, font=font)
    return line


def _shortened(text: str, size: int, width: int) -> str:
    """Return the text, its middle left out where it is too wide."""
    font, kept = ImageFont.load_default(size), len(text)
    shown = text
    while font.getlength(shown) > width and kept > 2:
        kept -= 1
        shown = f"{text[: kept // 2]}...{text[-(kept - kept // 2) :]}"
    return shown


def _paper(width: int, height: int) -> Picture.Image:
    return Picture.new("RGB", (width, height), _PAPER)
