"""Ranks the configurations of a sweep from its stored decisions: the answer, and who came near."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.storage.reads import snapshot as viewing
from searchctl.orchestrator.storage.reads.snapshot import RankedRow
from searchctl.orchestrator.storage.rows import SweepRow


@dataclass(frozen=True)
class Ranked:
    """One configuration with its place in the sweep."""

    rank: int
    trial: int
    rung: int
    images: int
    score: float
    kept_epoch: int | None
    test_miou: float | None
    test_original_miou: float | None
    val_original_miou: float | None
    test_accuracy: float | None
    trainable_parameters: int | None
    seconds: float | None
    weights: str | None
    params: dict[str, Any]


def rank_trials(engine: Engine, sweep: SweepRow, top: int | None = None) -> list[Ranked]:
    """Return the best configurations first: by the highest rung they reached, then by rank there.

    Raises:
        SearchctlError: no rung is closed yet, or no trial has a score: nothing to compare.
    """
    rows = viewing.ranked(engine, sweep, top)
    if not rows:
        raise SearchctlError(
            f"nothing is ranked in sweep '{sweep.name}': its first rung is not closed, or none of "
            f"its trials has a score (`searchctl status {sweep.name}`)"
        )
    return [_ranked(place, row) for place, row in enumerate(rows, start=1)]


def _ranked(place: int, row: RankedRow) -> Ranked:
    evaluations = row.evaluations or {}
    return Ranked(
        rank=place,
        trial=row.trial,
        rung=row.rung,
        images=row.images,
        score=row.score or 0.0,
        kept_epoch=row.kept_epoch,
        test_miou=evaluations.get("test", {}).get("miou"),
        val_original_miou=evaluations.get("val_original", {}).get("miou"),
        test_original_miou=evaluations.get("test_original", {}).get("miou"),
        test_accuracy=evaluations.get("test", {}).get("overall_accuracy"),
        trainable_parameters=row.trainable_parameters,
        seconds=row.seconds,
        weights=row.weights,
        params=row.params,
    )
