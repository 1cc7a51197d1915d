"""Writes cohorts and their draws, inside of a transaction: all of a draw is stored, or nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from searchctl.orchestrator.draws.points import Point
from searchctl.orchestrator.storage import schema


@dataclass(frozen=True)
class NewCohort:
    """A requested cohort, which is not drawn yet; the fields are those of a CohortRow."""

    number: int
    trials: int
    method: str
    settings: Mapping[str, Any]
    seed: int
    min_fraction: str | None
    ladder: Sequence[Mapping[str, Any]]
    lag: int
    sources: Sequence[int]
    request: int = 0
    retried: Sequence[int] = ()


@dataclass(frozen=True)
class NewDraw:
    """The drawn trials of a cohort, with what they were drawn from."""

    cohort: int
    first: int
    """Number of its first trial."""
    points: Sequence[Point]
    source_trials: Sequence[int]
    versions: Mapping[str, str]


def add_cohorts(connection: Connection, sweep_id: int, cohorts: Sequence[NewCohort]) -> None:
    """Store requested cohorts, if there are any."""
    if not cohorts:
        return
    requested = {"sweep_id": sweep_id, "requested_at": datetime.now(UTC)}
    rows = [{**asdict(cohort), **requested} for cohort in cohorts]
    connection.execute(insert(schema.cohorts), rows)


def store_draw(connection: Connection, sweep_id: int, draw: NewDraw) -> dict[int, int]:
    """Store the trials of a cohort, unless it was drawn before.

    Returns:
        The number of each new trial -> its id; empty if the cohort was drawn before.
    """
    cohorts = schema.cohorts
    mine = (cohorts.c.sweep_id == sweep_id) & (cohorts.c.number == draw.cohort)
    change = update(cohorts).where(mine, cohorts.c.drawn_at.is_(None))
    ladder = connection.execute(select(cohorts.c.ladder).where(mine)).scalar_one()
    count = len(draw.points)
    drawn = connection.execute(
        change.values(
            drawn_at=datetime.now(UTC),
            # the space may have fewer points than were requested
            trials=count,
            ladder=[{**rung, "trials": min(rung["trials"], count)} for rung in ladder],
            source_trials=list(draw.source_trials),
            versions=dict(draw.versions),
        )
    )
    if not drawn.rowcount or not draw.points:
        return {}
    connection.execute(
        insert(schema.trials),
        [
            {
                "sweep_id": sweep_id,
                "number": number,
                "params": json.loads(point.params.to_json()),
                "params_hash": point.params.fingerprint,
                "state": "WAITING",
                "cohort": draw.cohort,
                "origin": point.origin,
            }
            for number, point in enumerate(draw.points, draw.first)
        ],
    )
    return trial_ids(connection, sweep_id)


def trial_ids(connection: Connection, sweep_id: int) -> dict[int, int]:
    """Return the id of each trial of a sweep by its number."""
    query = select(schema.trials.c.number, schema.trials.c.id)
    rows = connection.execute(query.where(schema.trials.c.sweep_id == sweep_id))
    return {number: trial_id for number, trial_id in rows}
