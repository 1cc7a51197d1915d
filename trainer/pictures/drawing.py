"""Drawing functions for pictures of labels: class colours, stripes, legend, text."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from searchctl.trainer.data.sets.base import Colour, Dataset, Image, Label

PAPER, INK, PALE = (250, 250, 248), (32, 34, 38), (120, 124, 130)
GAP = 10
UNLABELED = "no class"
_STRIPE = 6
"""Distance of the stripes over unlabeled pixels, in pixels."""
_NAME_WIDTH = 234


def coloured(
    dataset: Dataset, label: Label, over: Image | None = None, covers: float = 1.0
) -> Image:
    """Return a label in the colours of its classes; unlabeled pixels are striped.

    Args:
        dataset: data set with the palette.
        label: [height, width] class ids.
        over: image under the label; None for plain grey.
        covers: opacity of the class colours, from 0 to 1.
    """
    colours = np.zeros((256, 3), dtype=np.uint8)
    colours[: len(dataset.palette)] = dataset.palette
    drawn = colours[label]
    grey = np.full(label.shape, 160, dtype=np.uint8)
    if over is not None:
        grey = np.asarray(Picture.fromarray(over).convert("L"))
    if covers < 1:
        drawn = (covers * drawn + (1 - covers) * grey[..., None]).astype(np.uint8)
    # stripes are diagonal, and keep some of the image visible below
    rows, columns = np.nonzero(label == dataset.ignore_index)
    dark = (rows + columns) % _STRIPE < _STRIPE // 2
    striped = np.where(dark, 0.0, 0.5 * grey[rows, columns] + 90)
    drawn[rows, columns] = striped[:, None].astype(np.uint8)
    return drawn


def legend(swatches: Sequence[Picture.Image], width: int) -> Picture.Image:
    """Return the swatches in lines of at most `width` pixels."""
    lines: list[list[Picture.Image]] = [[]]
    for swatch in swatches:
        if lines[-1] and sum(each.width + GAP for each in lines[-1]) + swatch.width > width:
            lines.append([])
        lines[-1].append(swatch)
    drawn = paper(width, len(lines) * (swatches[0].height + 2))
    for number, line in enumerate(lines):
        left = 0
        for swatch in line:
            drawn.paste(swatch, (left, number * (swatch.height + 2)))
            left += swatch.width + GAP
    return drawn


def swatch(dataset: Dataset, class_id: int, covers: float = 1.0) -> Picture.Image:
    """Return a square in the colour of a class, followed by the class's name."""
    name = UNLABELED if class_id == dataset.ignore_index else dataset.class_names[class_id]
    side = 16
    words = text(shortened(name, 15, _NAME_WIDTH), 15, INK)
    label = np.full((side, side), class_id, dtype=np.uint8)
    drawn = paper(side + 6 + words.width, max(side, words.height))
    square = Picture.fromarray(coloured(dataset, label, covers=covers))
    drawn.paste(square, (0, (drawn.height - side) // 2))
    drawn.paste(words, (side + 6, (drawn.height - words.height) // 2))
    return drawn


def stacked(parts: Sequence[Picture.Image], width: int, margin: int) -> Picture.Image:
    """Return a sheet of this width with the pictures below each other."""
    height = sum(part.height + GAP for part in parts) - GAP + 2 * margin
    sheet = paper(width, height)
    top = margin
    for part in parts:
        sheet.paste(part, (margin, top))
        top += part.height + GAP
    return sheet


def text(words: str, size: int, colour: Colour) -> Picture.Image:
    """Return a line of text as a picture of its own width."""
    font = _font(size)
    _, _, right, bottom = font.getbbox(words)
    line = paper(int(right) + 1, max(int(bottom), round(1.2 * size)) + 1)
    ImageDraw.Draw(line).text((0, 0), words, fill=colour, font=font)
    return line


def shortened(words: str, size: int, width: int) -> str:
    """Return the text; its middle is replaced by dots if it is wider than `width` pixels."""
    font, kept = _font(size), len(words)
    shown = words
    while font.getlength(shown) > width and kept > 2:
        kept -= 1
        shown = f"{words[: kept // 2]}...{words[-(kept - kept // 2) :]}"
    return shown


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def paper(width: int, height: int) -> Picture.Image:
    """Return an empty sheet."""
    return Picture.new("RGB", (width, height), PAPER)
