"""What all reads share: whose rows are read, and how."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Engine, Select, select

from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.rows import SweepRow

Trials = int | Collection[int] | None
"""Whose rows are read: one trial's, those of some, or (None) all."""

ON_LADDER = schema.jobs.c.kind == "ladder"


def of_sweep(query: Select[Any], sweep: SweepRow, trials: Trials = None) -> Select[Any]:
    """Return a query, in which trials are joined, for a sweep's rows alone."""
    query, number = query.where(schema.trials.c.sweep_id == sweep.id), schema.trials.c.number
    if trials is None:
        return query
    return query.where(number == trials if isinstance(trials, int) else number.in_(trials))


def jobs_with(*columns: Any) -> Select[Any]:
    """Select a trial's number, as `trial`, and columns of its jobs."""
    query = select(schema.trials.c.number.label("trial"), *columns)
    return query.join(schema.jobs, schema.jobs.c.trial_id == schema.trials.c.id)


def fetch(engine: Engine, query: Select[Any]) -> list[dict[str, Any]]:
    """Return the rows of a query by the names of its columns."""
    with engine.connect() as connection:
        found = connection.execute(query)
        names = tuple(found.keys())
        return [dict(zip(names, row, strict=True)) for row in found]
