"""The finalists' predicted masks as pictures in the page, limited in number and size."""

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from PIL import Image as Picture
from upath import UPath

from searchctl.orchestrator.artifacts.pictures import read_picture
from searchctl.orchestrator.report.facts import Picture as Stored
from searchctl.trainer.core.atomic_files import read_file
from searchctl.trainer.pictures.mask_sheet import MaskSheet, Row, read_masks

MOST_TRIALS = 2
MOST_BYTES = 3_000_000
"""Limit of all pictures together, in characters of the page."""


@dataclass(frozen=True)
class Column:
    """One kind of picture for every image, as data: URLs."""

    title: str
    subtitle: str
    urls: list[str]

    @property
    def size(self) -> int:
        """Characters in the page."""
        return sum(map(len, self.urls))


@dataclass(frozen=True)
class Strip:
    """Predictions of one trial's networks, from the lowest rung to the last epoch."""

    trial: int
    columns: list[Column]


@dataclass(frozen=True)
class MaskView:
    """Images, ground truth, and the finalists' predictions."""

    images: list[str]
    classes: list[tuple[str, str]]
    """Name and CSS colour of the classes that occur."""
    given: list[Column]
    """The images, if the pictures have them, and the ground truth."""
    strips: list[Strip]
    left_out: bool
    """Whether there are more pictures than fit."""


@dataclass
class _Budget:
    left: int = MOST_BYTES
    refused: bool = field(default=False)

    def allow(self, columns: Iterable[Column]) -> list[Column]:
        """Return the columns that fit into the budget."""
        allowed = []
        for column in columns:
            if column.size <= self.left:
                self.left -= column.size
                allowed.append(column)
            else:
                self.refused = True
        return allowed


def mask_view(masks: Sequence[Stored]) -> MaskView | None:
    """Read the pictures; None if none can be read.

    Args:
        masks: their paths, those of the best trial first.
    """
    trials = list(dict.fromkeys(each.trial for each in masks))[:MOST_TRIALS]
    found = [(each, sheet) for each in masks if each.trial in trials for sheet in _read(each)]
    if not found:
        return None
    newest = max(found, key=lambda each: (each[0].trial == trials[0], each[0].rung))[1]
    found = [(where, sheet) for where, sheet in found if sheet.images == newest.images]
    budget = _Budget()
    given = budget.allow(
        _column(row, tiles, row.title, "") for row, tiles in newest.rows if row.what != "prediction"
    )
    strips = [
        Strip(trial, budget.allow(_predictions([each for each in found if each[0].trial == trial])))
        for trial in trials
    ]
    classes = {name: colour for _, sheet in found for name, colour in sheet.classes}
    return MaskView(
        newest.images,
        [(name, f"rgb{colour}") for name, colour in classes.items()],
        given,
        [strip for strip in strips if strip.columns],
        budget.refused,
    )


def picture_urls(pictures: Sequence[Stored]) -> list[tuple[Stored, str]]:
    """Return pictures as data: URLs; those that cannot be read or are too large are left out."""
    found = []
    for each in pictures[:MOST_TRIALS]:
        try:
            content = read_picture(UPath(each.path))
        except (OSError, ValueError):
            continue
        if len(content) < MOST_BYTES // 3:
            found.append((each, _data_url("png", content)))
    return found


def _read(masks: Stored) -> Iterator[MaskSheet]:
    try:
        yield read_masks(read_file(UPath(masks.path)))
    except (OSError, ValueError):  # on another machine, of an older searchctl, or removed
        return


def _predictions(found: Iterable[tuple[Stored, MaskSheet]]) -> Iterator[Column]:
    """Yield a trial's columns: the kept epoch of each rung, and more epochs of the last rung."""
    for masks, sheet in sorted(found, key=lambda each: each[0].rung):
        for row, tiles in sheet.rows:
            if row.what == "prediction":
                yield _column(row, tiles, f"rung {masks.rung}", row.title)


def _column(row: Row, tiles: Sequence[Picture.Image], title: str, subtitle: str) -> Column:
    photo = row.what == "image"
    return Column(title, subtitle, [_url(tile, photo=photo) for tile in tiles])


def _url(tile: Picture.Image, *, photo: bool) -> str:
    buffer = io.BytesIO()
    if photo:
        tile.save(buffer, "JPEG", quality=82)
    else:
        tile.quantize(256).save(buffer, "PNG", optimize=True)
    return _data_url("jpeg" if photo else "png", buffer.getvalue())


def _data_url(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
