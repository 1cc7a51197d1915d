"""What jobs cost where they were trained: a job that was copied cost its own sweep nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Engine, null

from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads.common import fetch, jobs_with, of_sweep
from searchctl.orchestrator.storage.rows import SweepRow

COSTS = ("seconds", "gpu_seconds", "images_seen")
"""Columns of a job; a copy has those of the job that it was copied from in `reused_from`."""


def as_trained(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a job, its costs those of the job that it was copied from, if any.

    What a copy does not know is None: older versions stored no number of images, and of the copy of
    a copy no cost.
    """
    source = job["reused_from"]
    if source is None:
        return dict(job)
    known = source if source.get("seconds") else {}
    return {**job, **{name: known.get(name) for name in COSTS if name in job}}


def summed(sources: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the sums of the costs of jobs that were copied.

    >>> summed([{"seconds": 1.5, "gpu_seconds": 0.0}, {"seconds": 2.0, "images_seen": 46}])
    {'seconds': 3.5, 'gpu_seconds': 0, 'images_seen': 46}
    """
    jobs = list(sources)
    return {name: sum(job.get(name) or 0 for job in jobs) for name in COSTS}


def sources_of(engine: Engine, sweep: SweepRow) -> list[dict[str, Any]]:
    """Return the `reused_from` of all jobs of a sweep that were copied."""
    column = schema.jobs.c.reused_from
    query = jobs_with(column).where(column.is_not(null()))
    return [row["reused_from"] for row in fetch(engine, of_sweep(query, sweep))]
