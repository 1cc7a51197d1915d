"""A sweep as it is now, for views: one indexed query each, however many trials there are.

The database does the counting, and no more rows are read than are shown. Unless its docstring says
otherwise, a query reads the jobs of the ladder only.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Engine, case, func, select

from searchctl.orchestrator.halving.job_key import JobKey, Kind
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.lease import is_held
from searchctl.orchestrator.storage.reads.common import ON_LADDER, fetch, jobs_with, of_sweep
from searchctl.orchestrator.storage.reads.costs import as_trained
from searchctl.orchestrator.storage.rows import SweepRow

_jobs, _trials, _decisions = schema.jobs, schema.trials, schema.decisions
_KEY = (_trials.c.number, _jobs.c.rung, _jobs.c.kind, _jobs.c.repeat)
_LARGEST = 1.7e308
"""A finite score is between this number and its negative. SQL has no portable test for NaN."""


@dataclass(frozen=True)
class JobCount:
    """Number of jobs of one cohort, rung, kind and state."""

    kind: Kind
    rung: int
    state: str
    jobs: int
    score: float | None
    """Best finite score among them."""
    cohort: int


@dataclass(frozen=True)
class KindTime:
    """What the ended jobs of one kind took."""

    kind: Kind
    jobs: int
    seconds: float
    gpu_seconds: float


@dataclass(frozen=True)
class ComparedJob:
    """One trial at one rung: its score, its cost, and the decision if there is one.

    A job that was copied has the cost of the job that it was copied from.
    """

    trial: int
    rung: int
    fraction: Fraction
    images: int
    state: str
    score: float | None
    rank: int | None
    cohort: int | None
    verdict: str | None
    seconds: float | None
    gpu_seconds: float | None
    images_seen: int | None
    peak_memory_bytes: int | None
    trainable_parameters: int | None
    violation: str | None
    reused_from: dict[str, Any] | None


@dataclass(frozen=True)
class JobCost:
    """The score of one trial at one rung, the cost of its job, and the speed of its network.

    A job that was copied has the cost of the job that it was copied from.
    """

    trial: int
    rung: int
    score: float
    seconds: float | None
    gpu_seconds: float | None
    trainable_parameters: int | None
    latency_ms: float | None
    device: str | None
    reused_from: dict[str, Any] | None


@dataclass(frozen=True)
class JobSnapshot:
    """The state of a job."""

    state: str
    score: float | None


@dataclass(frozen=True)
class Run:
    """Progress of one driver of a sweep."""

    began: datetime
    first_job: datetime | None
    images: int
    """Images of all epochs of the jobs that it has started."""
    epoch_seconds: float
    validations: int


def count_jobs(engine: Engine, sweep: SweepRow) -> list[JobCount]:
    """Count a sweep's jobs of all kinds by kind, cohort, rung and state."""
    best = func.max if sweep.direction == "maximize" else func.min
    grouped = (_jobs.c.kind, _jobs.c.rung, _jobs.c.state, _trials.c.cohort)
    finite = case((_jobs.c.score.between(-_LARGEST, _LARGEST), _jobs.c.score))
    query = (
        select(*grouped, func.count().label("jobs"), best(finite).label("score"))
        .join(_trials, _jobs.c.trial_id == _trials.c.id)
        .where(_trials.c.sweep_id == sweep.id)
        .group_by(*grouped)
        .order_by(_trials.c.cohort, _jobs.c.rung)
    )
    return [JobCount(**row) for row in fetch(engine, query)]


def times_by_kind(engine: Engine, sweep: SweepRow) -> dict[Kind, KindTime]:
    """Return the time of a sweep's ended jobs by kind."""
    query = (
        select(
            _jobs.c.kind,
            func.count().label("jobs"),
            func.coalesce(func.sum(_jobs.c.seconds), 0.0).label("seconds"),
            func.coalesce(func.sum(_jobs.c.gpu_seconds), 0.0).label("gpu_seconds"),
        )
        .join(_trials, _jobs.c.trial_id == _trials.c.id)
        .where(_trials.c.sweep_id == sweep.id, _jobs.c.state.not_in(("WAITING", "RUNNING")))
        .group_by(_jobs.c.kind)
    )
    return {row["kind"]: KindTime(**row) for row in fetch(engine, query)}


def compared_jobs(engine: Engine, sweep: SweepRow, numbers: Collection[int]) -> list[ComparedJob]:
    """Return the jobs of these trials and their decisions by rung, then trial."""
    of_decision = ("rank", "cohort", "verdict", "violation")
    of_job = [n for n in ComparedJob.__annotations__ if n not in (*of_decision, "trial")]
    same = (_decisions.c.trial_id == _jobs.c.trial_id) & (_decisions.c.rung == _jobs.c.rung)
    query = (
        jobs_with(*(_jobs.c[name] for name in of_job))
        .add_columns(*(_decisions.c[name] for name in of_decision))
        .outerjoin(_decisions, same)
        .where(ON_LADDER)
        .order_by(_jobs.c.rung, _trials.c.number)
    )
    rows = fetch(engine, of_sweep(query, sweep, numbers))
    return [
        ComparedJob(**{**as_trained(row), "fraction": Fraction(row["fraction"])}) for row in rows
    ]


def job_costs(engine: Engine, sweep: SweepRow, images: int) -> list[JobCost]:
    """Return the jobs on so many images that have a score, by trial."""
    names = [name for name in JobCost.__annotations__ if name != "trial"]
    query = (
        jobs_with(*(_jobs.c[name] for name in names))
        .where(_jobs.c.images == images, ON_LADDER, _jobs.c.score.is_not(None))
        .order_by(_trials.c.number)
    )
    return [JobCost(**as_trained(row)) for row in fetch(engine, of_sweep(query, sweep))]


def job_states(engine: Engine, sweep: SweepRow) -> dict[JobKey, JobSnapshot]:
    """Return the state and score of every job of all kinds."""
    query = (
        select(*_KEY, _jobs.c.state, _jobs.c.score)
        .join(_jobs, _jobs.c.trial_id == _trials.c.id)
        .where(_trials.c.sweep_id == sweep.id)
    )
    with engine.connect() as connection:
        rows = connection.execute(query)
        return {JobKey(*key): JobSnapshot(state, score) for *key, state, score in rows}


def epochs_of_running(engine: Engine, sweep: SweepRow) -> dict[JobKey, int]:
    """Return how many epochs each running job has completed, also after the ladder."""
    newest = select(func.max(schema.epochs.c.epoch)).where(schema.epochs.c.job_id == _jobs.c.id)
    query = (
        select(*_KEY, newest.scalar_subquery())
        .join(_jobs, _jobs.c.trial_id == _trials.c.id)
        .where(_trials.c.sweep_id == sweep.id, _jobs.c.state == "RUNNING")
    )
    with engine.connect() as connection:
        return {JobKey(*key): over or 0 for *key, over in connection.execute(query)}


def running_jobs(engine: Engine) -> dict[str, int]:
    """Return the number of running jobs of each sweep that has any, in one query."""
    attempts, sweeps = schema.attempts, schema.sweeps
    started = attempts.c.outcome.is_(None) & attempts.c.worker.is_not(None)
    query = (
        select(sweeps.c.name, func.count())
        .join(_trials, _trials.c.sweep_id == sweeps.c.id)
        .join(_jobs, _jobs.c.trial_id == _trials.c.id)
        .join(attempts, attempts.c.job_id == _jobs.c.id)
        .where(started, is_held(sweeps.c.lease_expires))
        .group_by(sweeps.c.name)
        .order_by(func.count().desc(), sweeps.c.name)
    )
    with engine.connect() as connection:
        return {name: count for name, count in connection.execute(query)}


def current_run(engine: Engine, sweep: SweepRow) -> Run:
    """Return the progress of the sweep's newest driver, in two queries."""
    events, attempts, epochs = schema.events, schema.attempts, schema.epochs
    driven = select(func.max(events.c.at)).where(
        events.c.sweep_id == sweep.id, events.c.kind == "driver"
    )
    in_sweep = _jobs.c.trial_id.in_(select(_trials.c.id).where(_trials.c.sweep_id == sweep.id))
    with engine.connect() as connection:
        began = connection.execute(driven).scalar() or sweep.created_at
        since = attempts.c.started_at >= began
        mine = select(_jobs.c.id).join(attempts, attempts.c.job_id == _jobs.c.id)
        mine = mine.where(in_sweep, since)
        first = select(func.min(attempts.c.started_at)).where(attempts.c.job_id.in_(mine), since)
        images, seconds = func.sum(epochs.c.images), func.sum(epochs.c.seconds)
        scored = func.count(epochs.c.val_loss)
        sums = select(images, seconds, scored, first.scalar_subquery())
        sums = sums.where(epochs.c.job_id.in_(mine))
        trained, took, validations, worked = connection.execute(sums).one()
    return Run(began, worked, trained or 0, took or 0.0, validations)
