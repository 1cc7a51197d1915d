"""Draws tables and lines on the terminal."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from searchctl.orchestrator.facts.sweeps import RungView, assignments, number
from searchctl.orchestrator.storage.scores import by_accuracy
from searchctl.trainer.core.results import OWN_FIELDS
from searchctl.trainer.scores.catalog import ScoreName, title

TESTED_BY_SCORE = {"test": "test_score", "original size": "test_original_score"}
_LEAST_TEXT = 20
"""Minimum width of a text column after the first on a narrow terminal, if a word is as long."""
TESTED_BY_IOU = {"test": "test_miou", "original size": "test_original_miou"}
UNTESTED_BY_IOU = {"original size": "val_original_miou"}
TESTED_BY_ACCURACY = {"test": "test_accuracy"}
"""Column -> attribute of a `Ranked`. An image's class does not depend on its size."""


class PlainTable(Table):
    """A table without lines that never breaks a number, or a name in its first column.

    It gets wider than the terminal instead.
    """

    def add_row(self, *cells: str | Text, style: str = "") -> None:  # type: ignore[override]
        """Add a row of text."""
        super().add_row(*cells, style=style)
        for column, cell in zip(self.columns, map(str, cells), strict=False):
            longest = max(map(len, cell.split()), default=0)
            words = longest if column is self.columns[0] else min(longest, _LEAST_TEXT)
            least = len(cell) if column.justify == "right" else words
            column.min_width = max(column.min_width or 0, least)


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that prints text unchanged: users' names and errors are not markup."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def show(part: RenderableType) -> None:
    """Print a table or a line on standard output; lines are not wrapped."""
    line = isinstance(part, str) or (isinstance(part, Text) and part.no_wrap)
    plain_console().print(part, soft_wrap=line, crop=False)


def heading(title: str, rest: str = "") -> Text:
    """Return a line with a bold title."""
    return Text.assemble((title, "bold"), rest, no_wrap=True, overflow="ignore")


def plain_table(*headers: str, left: Iterable[str] = ()) -> PlainTable:
    """Return an empty table; columns are right-aligned, except those named in `left`."""
    table = PlainTable(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        justify = "left" if header in left else "right"
        table.add_column(header, justify=justify, overflow="fold")  # type: ignore[arg-type]
        table.columns[-1].min_width = max(map(len, header.split()), default=0)
    return table


def rung_table(rungs: Iterable[RungView]) -> Table:
    """Draw the current state of the ladders; of several cohorts, a rung is named `cohort/rung`."""
    rungs = list(rungs)
    several = any(view.cohort is not None for view in rungs)
    table = plain_table(
        "cohort/rung" if several else "rung",
        "fraction",
        "images",
        "trials",
        "done",
        "running",
        "pending",
        "failed",
        "best",
    )
    for view in rungs:
        counts = (view.images, view.trials, view.done, view.running, view.left, view.failed)
        name = str(view.rung) if view.cohort is None else f"{view.cohort}/{view.rung}"
        table.add_row(name, str(view.fraction), *map(str, counts), number(view.best))
    return table


def _over_seeds(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return a finalist's mean and its number of seeds; trials of lower rungs have none."""
    return ("-", "-") if row["mean"] is None else (number(row["mean"]), str(row["seeds"]))


def answer_table(rows: Iterable[Mapping[str, Any]], score: ScoreName) -> Table:
    """Draw ranked configurations; scores of different rungs cannot be compared."""
    rows = list(rows)
    tested = TESTED_BY_ACCURACY if by_accuracy(score) else TESTED_BY_IOU
    if score not in OWN_FIELDS:
        tested = TESTED_BY_SCORE
    if tested is TESTED_BY_IOU and all(row["test_miou"] is None for row in rows):
        tested = UNTESTED_BY_IOU  # there is no test split
    others = list(rows[0].get("recorded", ())) if rows else []
    further = (*map(title, others), *tested)
    by_mean = any(row.get("mean") is not None for row in rows)
    means = ["mean", "seeds"] * by_mean
    several = any(row.get("cohort") for row in rows)
    cohort = ["cohort"] * several
    limited = any(row.get("violation") for row in rows)
    exceeds = ["exceeds"] * limited
    first = ("rank", "trial", *cohort, "rung", *means, "score", "epoch")
    table = plain_table(*first, *further, *exceeds, "params", left=["exceeds", "params"])
    for row in rows:
        seeds = _over_seeds(row) if by_mean else ()
        scores = (str(row["rung"]), *seeds, number(row["score"]), str(row["kept_epoch"]))
        tests = (row[name] for name in tested.values())
        numbers = map(number, (*(row["recorded"][name] for name in others), *tests))
        params = (*[row.get("violation") or "-"] * limited, assignments(row["params"]))
        trial = (str(row["trial"]), *[str(row.get("cohort", 0))] * several)
        table.add_row(str(row["rank"]), *trial, *scores, *numbers, *params)
    return table
