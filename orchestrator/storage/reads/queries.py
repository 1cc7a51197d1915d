"""Stored rows as they are: one indexed query each, whatever the number of trials.

Unless other kinds are given, they read the jobs of the ladder only. What is counted or ranked
is in snapshot.py and ranking.py, what is new in changes.py, what was spent in spending.py, what
is stored of each validation image in image_scores.py.
"""

from collections.abc import Collection
from dataclasses import fields
from difflib import SequenceMatcher
from fractions import Fraction
from typing import Any

from sqlalchemy import Engine, Integer, Select, String, case, cast, func, select

from searchctl.orchestrator.core.errors import SearchctlError, SweepNotFound
from searchctl.orchestrator.halving.job_key import LADDER, JobKey, Kind
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.lease import is_held
from searchctl.orchestrator.storage.reads.common import (
    ON_LADDER,
    Trials,
    fetch,
    jobs_with,
    of_sweep,
)
from searchctl.orchestrator.storage.rows import (
    AttemptPlace,
    AttemptRow,
    ClassScoreRow,
    CohortRow,
    EpochRow,
    EventRow,
    JobRow,
    SweepRow,
    TrialRow,
)
from searchctl.orchestrator.storage.submissions import newest_submission
from searchctl.trainer.core.errors import first_few

_OF_JOB = ("rung", "kind", "repeat")
_IN_ORDER = (
    case((ON_LADDER, 0), (schema.jobs.c.kind == "repeat", 1), else_=2),
    schema.jobs.c.rung,
    schema.jobs.c.repeat,
)


def list_sweeps(engine: Engine) -> list[SweepRow]:
    """Return every sweep of the database, the newest first."""
    query = _sweeps().order_by(schema.sweeps.c.id.desc())
    return [SweepRow(**row) for row in fetch(engine, query)]


def sweeps_on_data(engine: Engine, data_fingerprint: str) -> list[SweepRow]:
    """Return the sweeps on the same files, the newest first."""
    same = schema.sweeps.c.data_fingerprint == data_fingerprint
    query = _sweeps().where(same).order_by(schema.sweeps.c.id.desc())
    return [SweepRow(**row) for row in fetch(engine, query)]


def find_sweep(engine: Engine, name: str) -> SweepRow:
    """Return the sweep of this name.

    Raises:
        SweepNotFound: it is not stored (yet). The message has the most similar names.
        SearchctlError: what is stored of it is damaged.
    """
    found = sweep_named(engine, name)
    if found is None:
        raise SweepNotFound(f"no sweep '{name}' in this database{_instead_of(engine, name)}")
    return found


def sweep_named(engine: Engine, name: str) -> SweepRow | None:
    """Return the sweep of this name; None if there is none.

    Raises:
        SearchctlError: what is stored of it is damaged.
    """
    rows = fetch(engine, _sweeps().where(schema.sweeps.c.name == name))
    if not rows:
        return None
    for column, kind in (("spec", dict), ("ladder", list), ("versions", dict)):
        if not isinstance(rows[0][column], kind):
            raise SearchctlError(
                f"the {column} of sweep '{name}' is damaged in this database: restore the database "
                "from a backup; its other sweeps can be used"
            )
    return SweepRow(**rows[0])


def _instead_of(engine: Engine, name: str) -> str:
    """Say what the database has in place of a sweep: its submitted driver, or other sweeps."""
    if submitted := newest_submission(engine, name):
        return (
            f" (yet): its driver was submitted as job {submitted.job}, and `searchctl logs {name} "
            "--driver` shows its output"
        )
    names = [row.name for row in list_sweeps(engine)]
    near = sorted(names, key=lambda known: -SequenceMatcher(None, known, name).ratio())
    return f"; it holds: {first_few(near, 5) or 'none'}"


def trials(engine: Engine, sweep: SweepRow, trial: Trials = None) -> list[TrialRow]:
    """Return a sweep's trials (some, if given), in the order of their numbers."""
    table = schema.trials
    query = select(*(table.c[name] for name in TrialRow.__annotations__)).order_by(table.c.number)
    return [TrialRow(**row) for row in fetch(engine, of_sweep(query, sweep, trial))]


def cohorts(engine: Engine, sweep: SweepRow) -> list[CohortRow]:
    """Return a sweep's cohorts by number, also those that are not drawn yet."""
    table = schema.cohorts
    query = select(*(table.c[each.name] for each in fields(CohortRow)))
    query = query.where(table.c.sweep_id == sweep.id).order_by(table.c.number)
    return [CohortRow(**row) for row in fetch(engine, query)]


def jobs(
    engine: Engine,
    sweep: SweepRow,
    trial: Trials = None,
    kinds: Collection[Kind] = LADDER,
) -> list[JobRow]:
    """Return a sweep's jobs (some trials', if given) by rung, then trial; the ladder's first."""
    names = [name for name in JobRow.__annotations__ if name not in ("trial", "fraction")]
    query = (
        jobs_with(schema.jobs.c.fraction, *(schema.jobs.c[name] for name in names))
        .where(schema.jobs.c.kind.in_(kinds))
        .order_by(*_IN_ORDER, schema.trials.c.number)
    )
    rows = fetch(engine, of_sweep(query, sweep, trial))
    fractions = {text: Fraction(text) for text in {row["fraction"] for row in rows}}
    return [JobRow(**{**row, "fraction": fractions[row["fraction"]]}) for row in rows]


def decisions(engine: Engine, sweep: SweepRow, trial: Trials = None) -> list[Decision]:
    """Return the decisions of a sweep (on some trials, if given), in the order they were made."""
    table = schema.decisions
    names = [name for name in Decision.__annotations__ if name != "trial"]
    query = (
        select(schema.trials.c.number.label("trial"), *(table.c[name] for name in names))
        .join(schema.trials, table.c.trial_id == schema.trials.c.id)
        .order_by(table.c.id)
    )
    return [Decision(**row) for row in fetch(engine, of_sweep(query, sweep, trial))]


def attempts(engine: Engine, sweep: SweepRow, trial: Trials = None) -> list[AttemptRow]:
    """Return the attempts at jobs of all kinds (of some trials, if given), as they started."""
    table = schema.attempts
    names = [n for n in AttemptRow.__annotations__ if n not in ("trial", *_OF_JOB)]
    query = (
        jobs_with(*(schema.jobs.c[name] for name in _OF_JOB))
        .add_columns(*(table.c[name] for name in names))
        .join(table, table.c.job_id == schema.jobs.c.id)
        .order_by(table.c.id)
    )
    return [AttemptRow(**row) for row in fetch(engine, of_sweep(query, sweep, trial))]


def find_attempt(engine: Engine, token: str) -> AttemptPlace | None:
    """Return the sweep and the job of an attempt; None if no attempt has this token."""
    query = (
        select(schema.sweeps.c.name, schema.sweeps.c.spec["storage"]["runs"].as_string())
        .add_columns(schema.trials.c.number, *(schema.jobs.c[name] for name in _OF_JOB))
        .join(schema.trials, schema.trials.c.sweep_id == schema.sweeps.c.id)
        .join(schema.jobs, schema.jobs.c.trial_id == schema.trials.c.id)
        .join(schema.attempts, schema.attempts.c.job_id == schema.jobs.c.id)
        .where(schema.attempts.c.token == token)
    )
    with engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    return AttemptPlace(row[0], row[1], JobKey(*row[2:])) if row else None


def epochs(
    engine: Engine, sweep: SweepRow, trial: int, kinds: Collection[Kind] = LADDER
) -> list[EpochRow]:
    """Return the epochs of one trial by rung; those of the ladder come first."""
    table = schema.epochs
    names = [each.name for each in fields(EpochRow) if each.name not in _OF_JOB]
    query = (
        select(*(schema.jobs.c[name] for name in _OF_JOB), *(table.c[name] for name in names))
        .join(schema.jobs, table.c.job_id == schema.jobs.c.id)
        .join(schema.trials, schema.jobs.c.trial_id == schema.trials.c.id)
        .where(schema.jobs.c.kind.in_(kinds))
        .order_by(*_IN_ORDER, table.c.epoch)
    )
    return [EpochRow(**row) for row in fetch(engine, of_sweep(query, sweep, trial))]


def class_scores(
    engine: Engine,
    sweep: SweepRow,
    trial: Trials,
    *,
    rung: int | None = None,
    images: int | None = None,
    kinds: Collection[Kind] = LADDER,
) -> list[ClassScoreRow]:
    """Return IoU and accuracy per class, by job, trial, split and class.

    If given, only of jobs at this rung of their cohort, or on so many training images.
    """
    table, names = schema.class_scores, ("split", "class_id", "iou", "accuracy")
    query = (
        jobs_with(*(schema.jobs.c[name] for name in _OF_JOB))
        .add_columns(*(table.c[name] for name in names))
        .join(table, table.c.job_id == schema.jobs.c.id)
        .where(schema.jobs.c.kind.in_(kinds))
        .order_by(*_IN_ORDER, schema.trials.c.number, table.c.split, table.c.class_id)
    )
    if rung is not None:
        query = query.where(schema.jobs.c.rung == rung)
    if images is not None:
        query = query.where(schema.jobs.c.images == images)
    return [ClassScoreRow(**row) for row in fetch(engine, of_sweep(query, sweep, trial))]


def best_class_iou(engine: Engine, sweep: SweepRow, rung: int, cohort: int = 0) -> dict[int, float]:
    """Return the best validation IoU of each class among a cohort's survivors of a rung."""
    scores, verdicts = schema.class_scores, schema.decisions
    query = (
        select(scores.c.class_id, func.max(scores.c.iou).label("iou"))
        .join(schema.jobs, scores.c.job_id == schema.jobs.c.id)
        .join(schema.trials, schema.jobs.c.trial_id == schema.trials.c.id)
        .join(
            verdicts,
            (verdicts.c.trial_id == schema.trials.c.id) & (verdicts.c.rung == schema.jobs.c.rung),
        )
        .where(schema.jobs.c.rung == rung, verdicts.c.verdict.in_(("promoted", "complete")))
        .where(ON_LADDER, schema.trials.c.cohort == cohort)
        .where(scores.c.split == "val", scores.c.iou.is_not(None))
        .group_by(scores.c.class_id)
    )
    return {row["class_id"]: row["iou"] for row in fetch(engine, of_sweep(query, sweep))}


def events(engine: Engine, sweep: SweepRow) -> list[EventRow]:
    """Return the events of a sweep as a whole, in order."""
    table = schema.events
    query = select(table.c.at, table.c.kind, table.c.detail)
    query = query.where(table.c.sweep_id == sweep.id).order_by(table.c.id)
    return [EventRow(**row) for row in fetch(engine, query)]


def _sweeps() -> Select[Any]:
    table = schema.sweeps
    alive = is_held(table.c.lease_expires)
    counted = ("driver", "trials", "retried", "cohorts")
    names = [name for name in SweepRow.__annotations__ if name not in counted]
    mine = schema.cohorts.c.sweep_id == table.c.id
    trials = select(cast(func.coalesce(func.sum(schema.cohorts.c.trials), 0), Integer)).where(mine)
    retries = cast(schema.cohorts.c.retried, String) != "[]"  # JSON cannot be compared
    return select(
        *(table.c[name] for name in names),
        case((alive, table.c.lease_owner)).label("driver"),
        trials.scalar_subquery().label("trials"),
        trials.where(retries).scalar_subquery().label("retried"),
        select(func.count()).where(mine).scalar_subquery().label("cohorts"),
    )
