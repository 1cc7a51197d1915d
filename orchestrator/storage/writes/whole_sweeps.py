"""Deletes and renames stored sweeps, each in one transaction."""

from collections.abc import Iterator

from sqlalchemy import Engine, Select, Table, delete, func, select, update

from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.rows import SweepRow


def delete_rows(engine: Engine, row: SweepRow) -> None:
    """Delete a sweep and all that belongs to it."""
    with engine.begin() as connection:
        for table, column, ids in _belonging(row):
            connection.execute(delete(table).where(table.c[column].in_(ids)))
        submitted = schema.submissions.c.sweep == row.name
        connection.execute(delete(schema.submissions).where(submitted))
        connection.execute(delete(schema.sweeps).where(schema.sweeps.c.id == row.id))


def _belonging(row: SweepRow) -> Iterator[tuple[Table, str, Select[tuple[int]] | list[int]]]:
    """Yield the tables with rows of the sweep, those first that refer to others."""
    trials = select(schema.trials.c.id).where(schema.trials.c.sweep_id == row.id)
    jobs = select(schema.jobs.c.id).where(schema.jobs.c.trial_id.in_(trials))
    for table in reversed(schema.metadata.sorted_tables):
        for column, ids in (("job_id", jobs), ("trial_id", trials), ("sweep_id", [row.id])):
            if column in table.c:
                yield table, column, ids
                break


def rename_rows(engine: Engine, row: SweepRow, name: str, before: str, after: str) -> None:
    """Rename a sweep, and the directory in the stored paths of its weights.

    Args:
        engine: the database.
        row: the sweep.
        name: its new name, which is free.
        before: the directory of its files so far.
        after: where that directory is now.
    """
    trials = select(schema.trials.c.id).where(schema.trials.c.sweep_id == row.id)
    jobs, weights = schema.jobs, schema.jobs.c.weights
    with engine.begin() as connection:
        connection.execute(
            update(schema.sweeps)
            .where(schema.sweeps.c.id == row.id)
            .values(name=name, spec={**row.spec, "name": name})
        )
        connection.execute(
            update(jobs)
            .where(jobs.c.trial_id.in_(trials), weights.startswith(before, autoescape=True))
            .values(weights=after + func.substr(weights, len(before) + 1))
        )
