"""Tables with one value in each cell, for CSV and pandas. A param is a column `params_NAME`.

A column that is empty in every row is left out if it is a score. The columns of params are those of
all trials: a trial without such a param has an empty cell.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from searchctl.orchestrator.storage.reads.tables import TableEpoch
from searchctl.orchestrator.tables.trials import TableTrial

Row = dict[str, Any]
_NESTED = ("params", "rungs", "scores", "measured")


def flat_trials(rows: Sequence[TableTrial]) -> list[Row]:
    """Return a row for each trial; `score_at_N` is its score on a sample of N images.

    `limit_latency_ms` and `limit_memory_gb` are what the limits of a sweep judge a trial by.
    """
    limited = list(dict.fromkeys(name for row in rows for name in row.measured))
    scores = _used(rows)
    params = list(dict.fromkeys(name for row in rows for name in row.params))
    sizes = sorted({rung["images"] for row in rows for rung in row.rungs})
    names = [each.name for each in fields(TableTrial) if each.name not in _NESTED]
    cut = names.index("mean") + 1
    return [
        {
            **{name: getattr(row, name) for name in names[:cut]},
            **{name: row.scores.get(name) for name in scores},
            **{name: getattr(row, name) for name in names[cut:]},
            **{f"limit_{name}": row.measured.get(name) for name in limited},
            **{f"params_{name}": _cell(row.params.get(name)) for name in params},
            **_by_size(row, sizes),
        }
        for row in rows
    ]


def flat_epochs(rows: Sequence[TableEpoch]) -> list[Row]:
    """Return a row for each epoch, its scores each in a column."""
    scores = _used(rows)
    names = [each.name for each in fields(TableEpoch) if each.name != "scores"]
    return [
        {
            **{name: getattr(row, name) for name in names},
            **{name: (row.scores or {}).get(name) for name in scores},
        }
        for row in rows
    ]


def csv_text(rows: Sequence[Row]) -> str:
    """Return rows as CSV with a header; an empty cell has no value."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _used(rows: Iterable[TableTrial | TableEpoch]) -> list[str]:
    """Return the scores that some row has."""
    found = ((name, value) for row in rows for name, value in (row.scores or {}).items())
    return list(dict.fromkeys(name for name, value in found if value is not None))


def _by_size(row: TableTrial, sizes: Iterable[int]) -> Row:
    scores = {rung["images"]: rung["score"] for rung in row.rungs}
    return {f"score_at_{images}": scores.get(images) for images in sizes}


def _cell(value: Any) -> Any:
    """Return a param as one value: lists and mappings are JSON text."""
    return json.dumps(value) if isinstance(value, list | dict) else value
