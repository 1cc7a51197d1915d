"""What is stored of each validation image: its name and group, and its counts by job."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, select

from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads.common import ON_LADDER, fetch, jobs_with, of_sweep
from searchctl.orchestrator.storage.rows import SweepRow

if TYPE_CHECKING:
    from searchctl.trainer.core.results import ImageCounts


def val_images(engine: Engine, sweep: SweepRow) -> list[tuple[str, str]]:
    """Return name and group of each validation image; empty for sweeps of older versions."""
    query = select(schema.sweeps.c.val_images).where(schema.sweeps.c.id == sweep.id)
    return [(name, group) for name, group in fetch(engine, query)[0]["val_images"]]


def image_counts(engine: Engine, sweep: SweepRow, job: JobKey) -> "ImageCounts | None":
    """Return a job's counts by validation image; None if the job has no score.

    Raises:
        ValueError: the counts are damaged.
    """
    query = (
        select(schema.image_scores)
        .join(schema.jobs, schema.image_scores.c.job_id == schema.jobs.c.id)
        .join(schema.trials, schema.jobs.c.trial_id == schema.trials.c.id)
        .where(schema.jobs.c.rung == job.rung, schema.jobs.c.kind == job.kind)
        .where(schema.jobs.c.repeat == job.repeat)
    )
    rows = fetch(engine, of_sweep(query, sweep, job.trial))
    return _image_counts(rows[0]) if rows else None


def rung_counts(
    engine: Engine,
    sweep: SweepRow,
    rung: int | None,
    trials: Collection[int],
    images: int | None = None,
) -> "dict[int, ImageCounts]":
    """Return the counts by validation image at a rung, for the trials that have them.

    With `images` in place of a rung, those of the jobs on so many training images.

    Raises:
        ValueError: some counts are damaged.
    """
    query = (
        jobs_with(schema.image_scores)
        .join(schema.image_scores, schema.image_scores.c.job_id == schema.jobs.c.id)
        .where(schema.trials.c.number.in_(trials), ON_LADDER)
        .order_by(schema.trials.c.number)
    )
    at = schema.jobs.c.images == images if rung is None else schema.jobs.c.rung == rung
    query = query.where(at)
    rows = fetch(engine, of_sweep(query, sweep))
    return {row["trial"]: _image_counts(row) for row in rows}


def _image_counts(row: dict[str, Any]) -> "ImageCounts":
    # Imported late: it imports numpy, which `status` does not need.
    from searchctl.orchestrator.storage import results

    return results.image_counts(row)
