"""The CSV table of a folder: its rows, and the names of splits."""

import csv
from collections.abc import Sequence
from pathlib import Path

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.settings import Split

SPLIT_NAMES: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""Names of each split in directories, lists and tables."""
_COLUMNS = ("image", "mask", "split")


def rows_of(path: Path, group: str | None) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a table with their lines.

    Args:
        path: of the CSV file.
        group: a column that it must have, if any.

    Raises:
        DataError: it cannot be read, or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            reader.fieldnames = [_column(name) for name in reader.fieldnames or ()]
            numbered = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    rows = [row for _, row in numbered]
    missing = [
        name
        for name in ("image", "mask", *([group] if group else []))
        if rows and (name not in rows[0] or any(row[name] is None for row in rows))
    ]
    if not rows or missing:
        what = f"has no column {missing[0]}" if missing else "has no rows"
        has = f": its columns are {', '.join(map(str, rows[0]))}" if rows else ""
        raise DataError(f"{path}: {what}{has}; its first line is image,mask,split")
    _refuse_unread_splits(path, rows)
    return numbered


def _column(name: str) -> str:
    """Return a column's name; those that are read may have capital letters."""
    known = name.strip().lower()
    return known if known in _COLUMNS else name


def _refuse_unread_splits(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Refuse a column that names splits, and is not called so.

    Raises:
        DataError: names it.
    """
    names = {name for each in SPLIT_NAMES.values() for name in each}
    for column in rows[0].keys() - {*_COLUMNS}:
        if "split" not in rows[0] and all(
            f"{row[column]}".strip().lower() in names for row in rows
        ):
            raise DataError(f"{path}: the column {column} names splits: call it split")
