"""Draws predicted masks of a few images below their ground truth, as one PNG; without torch.

A text chunk of the PNG has the position of each tile, so that a program can read the tiles back.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture
from PIL.PngImagePlugin import PngInfo

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.data.sets.base import Dataset, Image, Label
from searchctl.trainer.pictures.drawing import (
    GAP,
    INK,
    PALE,
    coloured,
    legend,
    paper,
    shortened,
    swatch,
    text,
)

FILE = "masks.png"
_CHUNK = "searchctl"
_LONGEST, _ENLARGED = 320, 192
"""Largest length of a tile's longer side in pixels; smaller images are enlarged by a whole
factor."""
_MARGIN = 16
_LEAST_WIDTH = 480

What = Literal["image", "truth", "prediction"]
Masks = npt.NDArray[np.uint8]
"""[images, height, width] class ids."""


@dataclass(frozen=True)
class Row:
    """The kind of a row of tiles; a row has one tile for each image."""

    what: What
    epoch: int | None = None
    """Epoch of a prediction; None for other rows."""
    kept: bool = False
    """Whether the prediction is of the kept weights."""

    @property
    def title(self) -> str:
        """The title of the row."""
        if self.what != "prediction":
            return {"image": "image", "truth": "ground truth"}[self.what]
        return f"epoch {self.epoch}" + (", kept" if self.kept else "")


@dataclass(frozen=True)
class MaskSheet:
    """The metadata and tiles of a picture."""

    images: list[str]
    """Names of the images."""
    classes: list[tuple[str, tuple[int, int, int]]]
    """Name and colour of each class in the picture."""
    rows: list[tuple[Row, list[Picture.Image]]]


def select_images(names: Sequence[str], wanted: int | Sequence[str]) -> list[int]:
    """Return the indices of the images to draw: those named, or a number evenly spread.

    Raises:
        SettingsError: no image has one of the names.

    >>> select_images(["a", "b", "c", "d", "e", "f"], 3), select_images(["a", "b"], ["b"])
    ([1, 3, 5], [1])
    """
    if isinstance(wanted, int):
        count = min(wanted, len(names))
        return [len(names) * (2 * each + 1) // (2 * count) for each in range(count)]
    places = {name: place for place, name in enumerate(names)}
    if unknown := [name for name in wanted if name not in places]:
        raise SettingsError(
            f"report.images: no validation image is named {', '.join(unknown)}; "
            f"they are named like {', '.join(names[:3])}"
        )
    return [places[name] for name in wanted]


def draw_masks(
    dataset: Dataset,
    names: Sequence[str],
    truth: Sequence[Label],
    predictions: Mapping[int, Masks],
    *,
    kept: int,
    images: Sequence[Image] = (),
) -> bytes:
    """Draw the ground truth, and below it a row of predicted masks for each epoch.

    Pixels that are unlabeled in the ground truth are striped in every row, as they do not count in
    the scores.

    Args:
        dataset: data set with the class names and colours.
        names: names of the images.
        truth: labels of the images.
        predictions: predicted masks in the labels' size, by epoch.
        kept: the epoch whose weights were kept.
        images: the images, drawn as the first row; none by default.

    Returns:
        A PNG file; `read_masks` returns its tiles.
    """
    # the same stripes in each row make predictions comparable with the ground truth
    unlabeled = np.stack(truth) == dataset.ignore_index
    rows: list[tuple[Row, Sequence[Label]]] = [(Row("truth"), truth)]
    for epoch in sorted(predictions):
        masks = np.where(unlabeled, dataset.ignore_index, predictions[epoch]).astype(np.uint8)
        rows.append((Row("prediction", epoch, epoch == kept), list(masks)))
    tiles = [(row, [_mask(dataset, each) for each in labels]) for row, labels in rows]
    if images:
        photos = [_tile(each, Picture.Resampling.LANCZOS) for each in images]
        tiles.insert(0, (Row("image"), photos))
    seen = np.unique(np.concatenate([np.unique(each) for _, labels in rows for each in labels]))
    return _sheet(dataset, names, tiles, [int(each) for each in seen])


def read_masks(content: bytes) -> MaskSheet:
    """Return the tiles of a picture of `draw_masks`.

    Raises:
        ValueError: the content is no such picture.
    """
    try:
        sheet = Picture.open(io.BytesIO(content))
        sheet.load()
        metadata = json.loads(sheet.info[_CHUNK])
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"this is not a picture of masks: {error!r}") from error
    rows = [
        (Row(**each["row"]), [sheet.crop(box) for box in _boxes(each["top"], metadata)])
        for each in metadata["rows"]
    ]
    classes = [(name, (red, green, blue)) for name, (red, green, blue) in metadata["classes"]]
    return MaskSheet(metadata["images"], classes, rows)


def _boxes(top: int, metadata: Mapping[str, Any]) -> Iterator[tuple[int, int, int, int]]:
    width, height = metadata["tile"]
    for column in range(len(metadata["images"])):
        left = _MARGIN + column * (width + GAP)
        yield left, top, left + width, top + height


def _mask(dataset: Dataset, label: Label) -> Picture.Image:
    small = np.asarray(_tile(label, Picture.Resampling.NEAREST))
    return Picture.fromarray(coloured(dataset, small))


def _tile(pixels: Image | Label, method: Picture.Resampling) -> Picture.Image:
    picture = Picture.fromarray(pixels)
    longest = max(picture.size)
    scale = max(1, _ENLARGED // longest) if longest < _LONGEST else _LONGEST / longest
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, method)


def _sheet(
    dataset: Dataset,
    names: Sequence[str],
    rows: Sequence[tuple[Row, Sequence[Picture.Image]]],
    seen: Sequence[int],
) -> bytes:
    tile = rows[0][1][0]
    width = max(len(names) * (tile.width + GAP) - GAP, _LEAST_WIDTH)
    captions = paper(width, 18)
    for column, name in enumerate(names):
        words = text(shortened(name, 13, tile.width), 13, PALE)
        captions.paste(words, (column * (tile.width + GAP), 0))
    key = legend([swatch(dataset, each) for each in seen], width)
    line = tile.height + 22 + GAP
    sheet = paper(
        width + 2 * _MARGIN, 2 * _MARGIN + len(rows) * line + captions.height + key.height
    )
    top, found = _MARGIN, []
    for row, tiles in rows:
        sheet.paste(text(row.title, 15, INK), (_MARGIN, top))
        found.append({"row": asdict(row), "top": top + 22})
        for column, each in enumerate(tiles):
            sheet.paste(each, (_MARGIN + column * (tile.width + GAP), top + 22))
        top += line
    sheet.paste(captions, (_MARGIN, top - GAP // 2))
    sheet.paste(key, (_MARGIN, top + captions.height))
    classes = [
        (dataset.class_names[i], dataset.palette[i]) for i in seen if i != dataset.ignore_index
    ]
    metadata = {"images": names, "tile": tile.size, "rows": found, "classes": classes}
    return _png(sheet, metadata)


def _png(sheet: Picture.Image, metadata: Mapping[str, Any]) -> bytes:
    chunk, buffer = PngInfo(), io.BytesIO()
    chunk.add_text(_CHUNK, json.dumps(metadata))
    sheet.save(buffer, "PNG", pnginfo=chunk, compress_level=4)
    return buffer.getvalue()
