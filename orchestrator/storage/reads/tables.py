"""The rows of tables for other tools: of all trials, one query each."""

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Engine

from searchctl.orchestrator.halving.job_key import Kind
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads.common import ON_LADDER, fetch, jobs_with, of_sweep
from searchctl.orchestrator.storage.rows import SweepRow

_jobs, _trials, _epochs = schema.jobs, schema.trials, schema.epochs


@dataclass(frozen=True)
class TableJob:
    """What a table shows of a job of the ladder."""

    trial: int
    rung: int
    images: int
    state: str
    score: float | None
    kept_epoch: int | None
    seconds: float | None
    gpu_seconds: float | None
    trainable_parameters: int | None
    latency_ms: float | None
    device: str | None
    hardware: str | None
    evaluations: dict[str, dict[str, Any]] | None


@dataclass(frozen=True)
class TableEpoch:
    """What a table shows of an epoch, of a job of any kind."""

    trial: int
    rung: int
    kind: Kind
    repeat: int
    images: int
    """Training images of its job's sample."""
    epoch: int
    train_loss: float | None
    val_loss: float | None
    val_miou: float | None
    val_accuracy: float | None
    lr: float
    seconds: float
    scores: dict[str, float | None] | None


def table_jobs(engine: Engine, sweep: SweepRow) -> list[TableJob]:
    """Return all jobs of a sweep's ladders by trial, then rung."""
    names = [each.name for each in fields(TableJob) if each.name != "trial"]
    query = (
        jobs_with(*(_jobs.c[name] for name in names))
        .where(ON_LADDER)
        .order_by(_trials.c.number, _jobs.c.rung)
    )
    return [TableJob(**row) for row in fetch(engine, of_sweep(query, sweep))]


def table_epochs(engine: Engine, sweep: SweepRow) -> list[TableEpoch]:
    """Return the epochs of all jobs of a sweep by trial, kind, rung, repeat and epoch."""
    of_job = ("rung", "kind", "repeat", "images")
    names = [each.name for each in fields(TableEpoch) if each.name not in (*of_job, "trial")]
    query = (
        jobs_with(*(_jobs.c[name] for name in of_job), *(_epochs.c[name] for name in names))
        .join(_epochs, _epochs.c.job_id == _jobs.c.id)
        .order_by(_trials.c.number, _jobs.c.kind, _jobs.c.rung, _jobs.c.repeat, _epochs.c.epoch)
    )
    return [TableEpoch(**row) for row in fetch(engine, of_sweep(query, sweep))]
