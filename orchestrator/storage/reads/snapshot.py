"""Reads for displays of a sweep: one indexed query each, independent of the number of trials.

The database counts and ranks, so only displayed rows are read. Functions return the jobs of the
ladder only, unless their docstring states otherwise.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Engine, Select, case, func, select

from searchctl.orchestrator.halving.job_key import JobKey, Kind
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.connect import database_now
from searchctl.orchestrator.storage.rows import SweepRow, TrialRow

_jobs, _trials, _decisions = schema.jobs, schema.trials, schema.decisions
_KEY = (_trials.c.number, _jobs.c.rung, _jobs.c.kind, _jobs.c.repeat)
_ON_LADDER = _jobs.c.kind == "ladder"
_LARGEST = 1.7e308
"""A finite score is between this number and its negative. SQL has no portable test for NaN."""


@dataclass(frozen=True)
class JobCount:
    """Number of jobs of one rung, kind and state."""

    kind: Kind
    rung: int
    state: str
    jobs: int
    score: float | None
    """Best finite score among them."""


@dataclass(frozen=True)
class KindTime:
    """Time of all ended jobs of one kind."""

    kind: Kind
    jobs: int
    seconds: float
    gpu_seconds: float


@dataclass(frozen=True)
class RankedRow:
    """A trial with its job at the highest rung where it has a rank."""

    trial: int
    params: dict[str, Any]
    rung: int
    images: int
    score: float | None
    kept_epoch: int | None
    evaluations: dict[str, dict[str, Any]] | None
    trainable_parameters: int | None
    seconds: float | None
    weights: str | None


@dataclass(frozen=True)
class ClassRow:
    """IoU and accuracy of one class on one split for one job."""

    trial: int
    rung: int
    split: str
    class_id: int
    iou: float | None
    accuracy: float | None


@dataclass(frozen=True)
class ComparedJob:
    """One trial at one rung: its score, its cost, and the decision if there is one."""

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


@dataclass(frozen=True)
class JobCost:
    """Score of one trial at one rung, its training cost, and the cost of its network."""

    trial: int
    score: float
    seconds: float | None
    gpu_seconds: float | None
    trainable_parameters: int | None
    latency_ms: float | None
    device: str | None


@dataclass(frozen=True)
class JobSnapshot:
    """Current state and score of a job."""

    state: str
    score: float | None


@dataclass(frozen=True)
class Run:
    """Progress of one driver of a sweep."""

    began: datetime
    first_job: datetime | None
    images: int
    """Training images of all epochs of the jobs that it has started."""
    epoch_seconds: float


def count_jobs(engine: Engine, sweep: SweepRow) -> list[JobCount]:
    """Count a sweep's jobs of all kinds by kind, rung and state."""
    best = func.max if sweep.direction == "maximize" else func.min
    grouped = (_jobs.c.kind, _jobs.c.rung, _jobs.c.state)
    finite = case((_jobs.c.score.between(-_LARGEST, _LARGEST), _jobs.c.score))
    query = (
        select(*grouped, func.count().label("jobs"), best(finite).label("score"))
        .join(_trials, _jobs.c.trial_id == _trials.c.id)
        .where(_trials.c.sweep_id == sweep.id)
        .group_by(*grouped)
        .order_by(_jobs.c.rung)
    )
    return [JobCount(**row) for row in _rows(engine, query)]


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
    return {row["kind"]: KindTime(**row) for row in _rows(engine, query)}


def ranked(engine: Engine, sweep: SweepRow, top: int | None = None) -> list[RankedRow]:
    """Return the trials that have a rank, best first: by highest rung, then by rank."""
    above = _decisions.alias("above")
    climbed = (
        select(above.c.id)
        .where(above.c.trial_id == _decisions.c.trial_id, above.c.rung > _decisions.c.rung)
        .where(above.c.rank.is_not(None))
        .exists()
    )
    of_job = [name for name in RankedRow.__annotations__ if name not in ("trial", "params")]
    query = (
        select(_trials.c.number.label("trial"), _trials.c.params)
        .add_columns(*(_jobs.c[name] for name in of_job))
        .join(_decisions, _decisions.c.trial_id == _trials.c.id)
        .join(_jobs, (_jobs.c.trial_id == _trials.c.id) & (_jobs.c.rung == _decisions.c.rung))
        .where(_trials.c.sweep_id == sweep.id, _decisions.c.rank.is_not(None), ~climbed)
        .where(_ON_LADDER)
        .order_by(_decisions.c.rung.desc(), _decisions.c.rank)
        .limit(top)
    )
    return [RankedRow(**row) for row in _rows(engine, query)]


def some_trials(engine: Engine, sweep: SweepRow, numbers: Collection[int]) -> list[TrialRow]:
    """Return the existing trials among these numbers, in the order of their numbers."""
    query = select(*(_trials.c[name] for name in TrialRow.__annotations__))
    query = _of(query, sweep, numbers).order_by(_trials.c.number)
    return [TrialRow(**row) for row in _rows(engine, query)]


def compared_jobs(engine: Engine, sweep: SweepRow, numbers: Collection[int]) -> list[ComparedJob]:
    """Return the jobs of these trials and their decisions by rung, then trial."""
    of_decision = ("rank", "cohort", "verdict")
    of_job = [n for n in ComparedJob.__annotations__ if n not in (*of_decision, "trial")]
    same = (_decisions.c.trial_id == _jobs.c.trial_id) & (_decisions.c.rung == _jobs.c.rung)
    query = (
        select(_trials.c.number.label("trial"), *(_jobs.c[name] for name in of_job))
        .add_columns(*(_decisions.c[name] for name in of_decision))
        .join(_jobs, _jobs.c.trial_id == _trials.c.id)
        .outerjoin(_decisions, same)
        .where(_ON_LADDER)
        .order_by(_jobs.c.rung, _trials.c.number)
    )
    rows = _rows(engine, _of(query, sweep, numbers))
    return [ComparedJob(**{**row, "fraction": Fraction(row["fraction"])}) for row in rows]


def job_costs(engine: Engine, sweep: SweepRow, rung: int) -> list[JobCost]:
    """Return the jobs of a rung that have a score, by trial."""
    names = [name for name in JobCost.__annotations__ if name != "trial"]
    query = (
        select(_trials.c.number.label("trial"), *(_jobs.c[name] for name in names))
        .join(_jobs, _jobs.c.trial_id == _trials.c.id)
        .where(_trials.c.sweep_id == sweep.id, _jobs.c.rung == rung, _ON_LADDER)
        .where(_jobs.c.score.is_not(None))
        .order_by(_trials.c.number)
    )
    return [JobCost(**row) for row in _rows(engine, query)]


def class_rows(
    engine: Engine, sweep: SweepRow, numbers: Collection[int], rung: int
) -> list[ClassRow]:
    """Return the scores of these trials at one rung by class and split."""
    scores = schema.class_scores
    query = (
        select(_trials.c.number.label("trial"), _jobs.c.rung)
        .add_columns(scores.c.split, scores.c.class_id, scores.c.iou, scores.c.accuracy)
        .join(_jobs, _jobs.c.trial_id == _trials.c.id)
        .join(scores, scores.c.job_id == _jobs.c.id)
        .where(_jobs.c.rung == rung, _ON_LADDER)
        .order_by(_trials.c.number, scores.c.split, scores.c.class_id)
    )
    return [ClassRow(**row) for row in _rows(engine, _of(query, sweep, numbers))]


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
    """Return the number of finished epochs of each running job of all kinds."""
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
        .where(started, sweeps.c.lease_expires >= database_now())
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
    of_sweep = _jobs.c.trial_id.in_(select(_trials.c.id).where(_trials.c.sweep_id == sweep.id))
    with engine.connect() as connection:
        began = connection.execute(driven).scalar() or sweep.created_at
        since = attempts.c.started_at >= began
        mine = select(_jobs.c.id).join(attempts, attempts.c.job_id == _jobs.c.id)
        mine = mine.where(of_sweep, since)
        first = select(func.min(attempts.c.started_at)).where(attempts.c.job_id.in_(mine), since)
        images, seconds = func.sum(epochs.c.images), func.sum(epochs.c.seconds)
        sums = select(images, seconds, first.scalar_subquery()).where(epochs.c.job_id.in_(mine))
        trained, took, worked = connection.execute(sums).one()
    return Run(began, worked, trained or 0, took or 0.0)


def _of(query: Select[Any], sweep: SweepRow, numbers: Collection[int]) -> Select[Any]:
    return query.where(_trials.c.sweep_id == sweep.id, _trials.c.number.in_(list(numbers)))


def _rows(engine: Engine, query: Select[Any]) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
