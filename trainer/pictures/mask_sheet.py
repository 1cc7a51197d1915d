"""One picture of what a network made of a few images, beside the ground truth; torch-free.

A PNG for people, in which a program finds its parts too: a text chunk of it says where each lies.
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
"""Pixels of a tile's longer side at most; smaller images are enlarged, by a whole number."""
_MARGIN = 16
_LEAST_WIDTH = 480

What = Literal["image", "truth", "prediction"]
Masks = npt.NDArray[np.uint8]
"""[images, height, width] class ids."""


@dataclass(frozen=True)
class Row:
    """One row of tiles: the same thing of every image."""

    what: What
    epoch: int | None = None
    """Of a prediction."""
    kept: bool = False
    """Is it by the weights that were kept?"""

    @property
    def title(self) -> str:
        """The row in words."""
        if self.what != "prediction":
            return {"image": "image", "truth": "ground truth"}[self.what]
        return f"epoch {self.epoch}" + (", kept" if self.kept else "")


@dataclass(frozen=True)
class MaskSheet:
    """What a picture says of itself, and its tiles."""

    images: list[str]
    classes: list[tuple[str, tuple[int, int, int]]]
    """Name and colour of the classes that are seen."""
    rows: list[tuple[Row, list[Picture.Image]]]


def select_images(names: Sequence[str], wanted: int | Sequence[str]) -> list[int]:
    """Return the places of the images that are drawn: by name, or so many spread over their order.

    Raises:
        SettingsError: there is no image of such a name.

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
    """Draw a row of tiles for each epoch, below the ground truth.

    Pixels without a class in the ground truth are striped in every row: they are not scored.

    Args:
        dataset: whose classes and colours are drawn.
        names: of the images.
        truth: their labels.
        predictions: their predicted masks, of the labels' size, by epoch.
        kept: the epoch whose weights were kept.
        images: the images themselves, as a first row.

    Returns:
        A PNG; `read_masks` finds the tiles in it.
    """
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
    """Return the tiles of a picture that `draw_masks` has drawn.

    Raises:
        ValueError: it is none.
    """
    try:
        sheet = Picture.open(io.BytesIO(content))
        sheet.load()
        said = json.loads(sheet.info[_CHUNK])
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"this is no picture of masks: {error!r}") from error
    rows = [
        (Row(**each["row"]), [sheet.crop(box) for box in _boxes(each["top"], said)])
        for each in said["rows"]
    ]
    classes = [(name, (red, green, blue)) for name, (red, green, blue) in said["classes"]]
    return MaskSheet(said["images"], classes, rows)


def _boxes(top: int, said: Mapping[str, Any]) -> Iterator[tuple[int, int, int, int]]:
    width, height = said["tile"]
    for column in range(len(said["images"])):
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
    said = {"images": names, "tile": tile.size, "rows": found, "classes": classes}
    return _png(sheet, said)


def _png(sheet: Picture.Image, said: Mapping[str, Any]) -> bytes:
    chunk, buffer = PngInfo(), io.BytesIO()
    chunk.add_text(_CHUNK, json.dumps(said))
    sheet.save(buffer, "PNG", pnginfo=chunk, compress_level=4)
    return buffer.getvalue()
