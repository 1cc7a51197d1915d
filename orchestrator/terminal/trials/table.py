"""All trials of a sweep as a table on the terminal, for `searchctl trials`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len

from searchctl.orchestrator.facts.sweeps import duration, number, value
from searchctl.orchestrator.tables.trials import TableTrial


def trial_lines(rows: Sequence[TableTrial], score: str) -> Iterator[str]:
    """Yield the lines of a table with a row for each trial, the score at its highest rung."""
    params = list(dict.fromkeys(name for row in rows for name in row.params))
    several = any(row.cohort for row in rows)
    means = any(row.mean is not None for row in rows)
    first = ("rank", "trial", *["cohort"] * several, "origin", "state", "rung", "images")
    limited = any(row.violation for row in rows)
    exceeds = ["exceeds"] * limited
    header = (*first, *["mean"] * means, score, "time", *exceeds, *params)
    cells = []
    for row in rows:
        place = (_whole(row.rank), str(row.trial), *[str(row.cohort)] * several)
        found = (_whole(row.rung), _whole(row.images), *[number(row.mean)] * means)
        took = (number(row.score), duration(row.seconds), *[row.violation or "-"] * limited)
        values = (_param(row.params, name) for name in params)
        cells.append((*place, row.origin, row.state, *found, *took, *values))
    yield from _aligned([header, *cells], left={"origin", "state", "exceeds", *params})


def _aligned(rows: Sequence[Sequence[str]], left: Collection[str]) -> Iterator[str]:
    # a rich table would take ten times as long at 10,000 trials
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, rows[0], widths, strict=True)
        yield "  ".join(_padded(cell, width, name in left) for cell, name, width in cells).rstrip()


def _padded(cell: str, width: int, to_the_left: bool) -> str:
    space = " " * (width - cell_len(cell))
    return cell + space if to_the_left else space + cell


def _whole(number: int | None) -> str:
    return "-" if number is None else str(number)


def _param(params: Mapping[str, Any], name: str) -> str:
    return value(params[name]) if name in params else "-"
