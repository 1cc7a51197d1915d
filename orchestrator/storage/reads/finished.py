"""Finished jobs of any sweep of the database, by what they computed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Engine, select

from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads import image_scores, queries
from searchctl.orchestrator.storage.reads.common import fetch
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.trainer.core.results import EpochRecord, Evaluation, ImageCounts

_STATES = ("COMPLETE", "DIVERGED")
"""Failures are not among them: their cause may be gone."""


@dataclass(frozen=True)
class FinishedJob:
    """A job with a result, and the attempt that gave it."""

    sweep: SweepRow
    key: JobKey
    token: str
    row: dict[str, Any]
    """The job's columns."""


@dataclass(frozen=True)
class FullScore:
    """The score of a job on all of the data."""

    sweep_id: int
    params: dict[str, Any]
    key: JobKey
    score: float


def full_scores(engine: Engine, sweeps: Collection[SweepRow]) -> list[FullScore]:
    """Return the scores of all jobs of these sweeps that trained on all of the data, by job."""
    jobs, trials = schema.jobs, schema.trials
    query = (
        select(trials.c.sweep_id, trials.c.params, trials.c.number, jobs.c.score)
        .add_columns(jobs.c.rung, jobs.c.kind, jobs.c.repeat)
        .join(trials, jobs.c.trial_id == trials.c.id)
        .where(trials.c.sweep_id.in_([sweep.id for sweep in sweeps]))
        .where(jobs.c.fraction == "1", jobs.c.state == "COMPLETE", jobs.c.score.is_not(None))
        .order_by(jobs.c.id)
    )
    return [
        FullScore(
            row["sweep_id"],
            row["params"],
            JobKey(row["number"], row["rung"], row["kind"], row["repeat"]),
            row["score"],
        )
        for row in fetch(engine, query)
    ]


def finished_jobs(
    engine: Engine, content_hash: str, hardware: Collection[str]
) -> Iterator[FinishedJob]:
    """Yield the finished jobs that computed the same on one of these kinds of hardware."""
    jobs, trials = schema.jobs, schema.trials
    query = (
        select(schema.sweeps.c.name, trials.c.number, schema.attempts.c.token, jobs)
        .join(trials, jobs.c.trial_id == trials.c.id)
        .join(schema.sweeps, trials.c.sweep_id == schema.sweeps.c.id)
        .join(schema.attempts, schema.attempts.c.job_id == jobs.c.id)
        .where(jobs.c.content_hash == content_hash, jobs.c.state.in_(_STATES))
        .where(jobs.c.hardware.in_(hardware))
        .where(schema.attempts.c.outcome.in_(("complete", "diverged")))
        .order_by(jobs.c.id)
    )
    for row in fetch(engine, query):
        key = JobKey(row.pop("number"), row["rung"], row["kind"], row["repeat"])
        sweep = queries.find_sweep(engine, row.pop("name"))
        yield FinishedJob(sweep, key, row.pop("token"), row)


def epochs_of(engine: Engine, job: FinishedJob) -> tuple[EpochRecord, ...]:
    """Return a finished job's epochs, in order."""
    names = [field.name for field in fields(EpochRecord)]
    table = schema.epochs
    query = select(*(table.c[name] for name in names)).where(table.c.job_id == job.row["id"])
    return tuple(EpochRecord(**row) for row in fetch(engine, query.order_by(table.c.epoch)))


def evaluations_of(engine: Engine, job: FinishedJob) -> dict[str, Evaluation]:
    """Return a finished job's evaluations by split."""
    table = schema.class_scores
    query = select(table).where(table.c.job_id == job.row["id"]).order_by(table.c.class_id)
    classes = fetch(engine, query)
    return {
        split: Evaluation(
            **summary,
            class_iou=tuple(row["iou"] for row in classes if row["split"] == split),
            class_accuracy=tuple(row["accuracy"] for row in classes if row["split"] == split),
        )
        for split, summary in (job.row["evaluations"] or {}).items()
    }


def counts_of(engine: Engine, job: FinishedJob) -> ImageCounts | None:
    """Return a finished job's counts by validation image.

    Raises:
        ValueError: the counts are damaged.
    """
    return image_scores.image_counts(engine, job.sweep, job.key)
