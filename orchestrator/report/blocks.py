"""Turns tables and paragraphs of the terminal's views into plain blocks for pages."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from rich.console import RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

Align = Literal["left", "right"]


@dataclass(frozen=True)
class Heading:
    """The title of the blocks after it."""

    text: str
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True)
class Paragraph:
    """A text; a quiet one is a note on its neighbours."""

    text: str
    quiet: bool
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True)
class Cells:
    """A table."""

    headers: list[str]
    aligned: list[Align]
    rows: list[list[str]]
    kind: Literal["table"] = "table"


Block = Heading | Paragraph | Cells


def blocks(parts: Iterable[RenderableType]) -> list[Block]:
    """Return the blocks of a view, without terminal styles and empty lines."""
    return [block for part in parts for block in _block(part)]


def _block(part: RenderableType) -> Iterator[Block]:
    if isinstance(part, Padding | Constrain):
        yield from _block(part.renderable)
    elif isinstance(part, Table):
        yield _cells(part)
    elif isinstance(part, Text | str):
        yield from _text(Text(part) if isinstance(part, str) else part)
    else:
        raise TypeError(f"no block for a {type(part).__name__}")


def _text(text: Text) -> Iterator[Block]:
    words = text.plain.strip()
    bold = any(span.style == "bold" and span.end - span.start > 3 for span in text.spans)
    if words:
        yield Heading(words) if bold else Paragraph(words, quiet="dim" in str(text.style))


def _cells(table: Table) -> Cells:
    """Return the texts of a table, without empty columns."""
    columns = [(each, [_plain(each.header), *map(_plain, each.cells)]) for each in table.columns]
    filled = [(column, texts) for column, texts in columns if any(texts)]
    headers, *rows = zip(*(texts for _, texts in filled), strict=True)
    return Cells(
        headers=list(headers),
        aligned=["right" if column.justify == "right" else "left" for column, _ in filled],
        rows=[list(row) for row in rows],
    )


def _plain(cell: RenderableType) -> str:
    return (cell.plain if isinstance(cell, Text) else str(cell)).strip()
