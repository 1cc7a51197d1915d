"""What a sweep has spent so far, and its stored estimate: the reads that grade a plan.

The database sums. Attempts are read row by row, because their times overlap.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Engine, cast, func, null, select

from searchctl.orchestrator.halving.job_key import Kind
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads.common import ON_LADDER, fetch, jobs_with, of_sweep
from searchctl.orchestrator.storage.rows import ESTIMATE, AttemptOutcome, SweepRow

_jobs, _trials, _attempts = schema.jobs, schema.trials, schema.attempts


@dataclass(frozen=True)
class StageSpent:
    """Cost of the ended jobs of one kind at a rung of a cohort."""

    kind: Kind
    cohort: int
    rung: int
    jobs: int
    images: int
    """Training images over all epochs."""
    seconds: float


@dataclass(frozen=True)
class EndedAttempt:
    """An attempt that has ended, and for how long it held its resources."""

    trial: int
    rung: int
    kind: Kind
    repeat: int
    cohort: int
    started_at: datetime
    ended_at: datetime
    outcome: AttemptOutcome
    gpus: float | None
    error: str | None
    job_seconds: float | None
    """Of its job in the end, with the attempts that it resumed from; None if it is not done."""

    @property
    def seconds(self) -> float:
        """Seconds for which it held its resources."""
        return max(0.0, (self.ended_at - self.started_at).total_seconds())


def images_trained(engine: Engine, sweep: SweepRow) -> int:
    """Return the number of training images of all epochs so far, including follow-up jobs."""
    query = (
        select(func.coalesce(func.sum(schema.epochs.c.images), 0).label("images"))
        .join(_jobs, schema.epochs.c.job_id == _jobs.c.id)
        .join(_trials, _jobs.c.trial_id == _trials.c.id)
    )
    return int(fetch(engine, of_sweep(query, sweep))[0]["images"])


def seconds_in_epochs(engine: Engine, sweep: SweepRow) -> dict[tuple[int, int], float]:
    """Return the seconds of the epochs of each job of the ladder, by trial and rung."""
    query = (
        jobs_with(_jobs.c.rung, func.sum(schema.epochs.c.seconds).label("seconds"))
        .join(schema.epochs, schema.epochs.c.job_id == _jobs.c.id)
        .where(ON_LADDER)
        .group_by(_trials.c.number, _jobs.c.rung)
    )
    rows = fetch(engine, of_sweep(query, sweep))
    return {(row["trial"], row["rung"]): row["seconds"] for row in rows}


def spent_by_stage(engine: Engine, sweep: SweepRow) -> list[StageSpent]:
    """Return the cost of ended jobs by stage."""
    query = (
        select(
            _jobs.c.kind,
            _trials.c.cohort,
            _jobs.c.rung,
            func.count().label("jobs"),
            # PostgreSQL's sum of bigint is numeric, which Python reads as Decimal
            cast(func.coalesce(func.sum(_jobs.c.images_seen), 0), BigInteger).label("images"),
            func.coalesce(func.sum(_jobs.c.seconds), 0.0).label("seconds"),
        )
        .join(_trials, _jobs.c.trial_id == _trials.c.id)
        .where(_jobs.c.state.not_in(("WAITING", "RUNNING")))
        .group_by(_jobs.c.kind, _trials.c.cohort, _jobs.c.rung)
    )
    return [StageSpent(**row) for row in fetch(engine, of_sweep(query, sweep))]


def validations_by_stage(engine: Engine, sweep: SweepRow) -> dict[tuple[Kind, int, int], int]:
    """Return how often ended jobs scored the validation set, by kind, cohort and rung."""
    epochs = schema.epochs
    query = (
        select(_jobs.c.kind, _trials.c.cohort, _jobs.c.rung, func.count().label("validations"))
        .join(_jobs, epochs.c.job_id == _jobs.c.id)
        .join(_trials, _jobs.c.trial_id == _trials.c.id)
        .where(epochs.c.val_loss.is_not(None), _jobs.c.state.not_in(("WAITING", "RUNNING")))
        .where(_jobs.c.reused_from.is_(null()))
        .group_by(_jobs.c.kind, _trials.c.cohort, _jobs.c.rung)
    )
    rows = fetch(engine, of_sweep(query, sweep))
    return {(row["kind"], row["cohort"], row["rung"]): row["validations"] for row in rows}


def ended_attempts(engine: Engine, sweep: SweepRow) -> list[EndedAttempt]:
    """Return the attempts that have ended, in the order in which they began."""
    names = ("started_at", "ended_at", "outcome", "gpus", "error")
    query = (
        jobs_with(_jobs.c.seconds.label("job_seconds"), _jobs.c.rung, _jobs.c.kind, _jobs.c.repeat)
        .add_columns(_trials.c.cohort, *(_attempts.c[name] for name in names))
        .join(_attempts, _attempts.c.job_id == _jobs.c.id)
        .where(_attempts.c.ended_at.is_not(None))
        .order_by(_attempts.c.id)
    )
    return [EndedAttempt(**row) for row in fetch(engine, of_sweep(query, sweep))]


def stored_estimate(engine: Engine, sweep: SweepRow) -> dict[str, Any] | None:
    """Return the newest estimate of a sweep; None if there is none."""
    events = schema.events
    query = select(events.c.detail).where(events.c.sweep_id == sweep.id, events.c.kind == ESTIMATE)
    with engine.connect() as connection:
        newest = connection.execute(query.order_by(events.c.id.desc()).limit(1)).first()
    return newest.detail if newest else None
