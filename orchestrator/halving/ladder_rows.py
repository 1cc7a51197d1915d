"""A ladder as JSON values, as the database stores it."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from searchctl.orchestrator.halving.rule import Ladder, Rung


def ladder_rows(ladder: Ladder) -> list[dict[str, Any]]:
    """Return a ladder as JSON values."""
    return [
        {"rung": r.number, "trials": r.trials, "fraction": str(r.fraction), "images": r.images}
        for r in ladder.rungs
    ]


def ladder_of(rows: Sequence[Mapping[str, Any]]) -> Ladder:
    """Return the ladder of `ladder_rows`."""
    return Ladder(
        tuple(
            Rung(row["rung"], row["trials"], Fraction(row["fraction"]), row["images"])
            for row in rows
        )
    )
