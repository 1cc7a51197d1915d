"""Writes the rows of jobs, attempts and results inside the writer's transactions.

The statements are module constants. A driver runs them for each epoch and result, and building a
statement takes longer than running it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from searchctl.orchestrator.storage import results, schema
from searchctl.orchestrator.storage.rows import AttemptOutcome, TrialState
from searchctl.trainer.core.results import EpochRecord, JobResult

_jobs = schema.jobs
_CHANGE = update(_jobs).where(_jobs.c.id == bindparam("of_job"))
_TRIAL = select(_jobs.c.trial_id).where(_jobs.c.id == bindparam("of_job"), _jobs.c.kind == "ladder")
_CHANGE_TRIAL = update(schema.trials).where(schema.trials.c.id == _TRIAL.scalar_subquery())
_OLD = {
    table: delete(table).where(table.c.job_id == bindparam("of_job"))
    for table in (schema.epochs, schema.class_scores, schema.image_scores)
}
_OLD_EPOCH = _OLD[schema.epochs].where(schema.epochs.c.epoch == bindparam("old"))
_STORED_EPOCH = select(schema.epochs).where(
    schema.epochs.c.job_id == bindparam("of_job"), schema.epochs.c.epoch == bindparam("old")
)

_REPEATED = ("train_loss", "lr", "images", "val_loss", "val_miou", "val_accuracy")
"""Numbers of an epoch that are equal when it is trained again."""


def change(connection: Connection, job_id: int, **values: Any) -> None:
    """Set columns of a job."""
    connection.execute(_CHANGE, {"of_job": job_id, **values})


def set_trial_of(connection: Connection, job_id: int, state: TrialState) -> None:
    """Set the state of a ladder job's trial. Follow-up jobs do not change their trial's state."""
    connection.execute(_CHANGE_TRIAL, {"of_job": job_id, "state": state})


def set_pending(connection: Connection, job_id: int | None) -> None:
    """Set a job and its trial back to WAITING; do nothing for None."""
    if job_id is not None:
        change(connection, job_id, state="WAITING")
        set_trial_of(connection, job_id, "WAITING")


def forget_failure(connection: Connection, job_id: int | None) -> None:
    """Set a failed job and its trial back to WAITING. Its attempts keep their errors.

    It is tried with the batch of its settings again.
    """
    set_pending(connection, job_id)
    if job_id is not None:
        change(connection, job_id, error=None, batch=None)


def set_batch(connection: Connection, job_id: int, batch: Mapping[str, int]) -> None:
    """Train a job with another batch; its epochs so far are no part of it."""
    change(connection, job_id, batch=batch)
    connection.execute(_OLD[schema.epochs], {"of_job": job_id})


def replace_epoch(
    connection: Connection, job_id: int, record: EpochRecord
) -> dict[str, Any] | None:
    """Store an epoch of a job; replace the one of an earlier attempt.

    Returns:
        The first number in which the two differ: epoch, field, before, now. None where they are
        equal but for their seconds, or there was none.
    """
    row = results.epoch_row(record)
    which = {"of_job": job_id, "old": record.epoch}
    before = connection.execute(_STORED_EPOCH, which).mappings().first()
    if before is not None:
        connection.execute(_OLD_EPOCH, which)
    connection.execute(insert(schema.epochs), {"job_id": job_id, **row})
    return _difference(before, row) if before is not None else None


def _difference(before: Mapping[Any, Any], now: Mapping[str, Any]) -> dict[str, Any] | None:
    for field in _REPEATED:
        if before[field] != now[field]:
            pair = {"before": before[field], "now": now[field]}
            return {"epoch": now["epoch"], "field": field, **pair}
    return None


def replace_details(connection: Connection, job_id: int, result: JobResult) -> None:
    """Store a result's epochs and scores by class and by image; replace earlier ones."""
    for table, rows in (
        (schema.epochs, [results.epoch_row(record) for record in result.epochs]),
        (schema.class_scores, results.class_rows(result)),
        (schema.image_scores, results.image_rows(result.image_counts)),
    ):
        connection.execute(_OLD[table], {"of_job": job_id})
        if rows:
            connection.execute(insert(table), [{"job_id": job_id, **row} for row in rows])


_attempts = schema.attempts
_OPEN = (_attempts.c.token == bindparam("of_token")) & _attempts.c.outcome.is_(None)

_NUMBER = select(_attempts.c.number).where(_attempts.c.token == bindparam("of_token"))
_EARLIER = select(func.count()).where(_attempts.c.job_id == bindparam("of_job"))
_JOB_OF_OPEN = select(_attempts.c.job_id).where(_OPEN)
_CHANGE_OPEN = update(_attempts).where(_OPEN)
_START_PENDING = _CHANGE_OPEN.where(_attempts.c.worker.is_(None))


def number_of(connection: Connection, token: str) -> int | None:
    """Return the number of the attempt with this token; None if it is not stored yet."""
    return connection.execute(_NUMBER, {"of_token": token}).scalar()


def begin(connection: Connection, job_id: int, token: str, gpus: float) -> int:
    """Open a job's next attempt; return its number, counted from 1."""
    number = int(connection.execute(_EARLIER, {"of_job": job_id}).scalar_one()) + 1
    row = {"job_id": job_id, "number": number, "token": token, "gpus": gpus}
    connection.execute(insert(_attempts), {**row, "started_at": datetime.now(UTC)})
    return number


def open_job(connection: Connection, token: str) -> int | None:
    """Return the job id of an attempt; None if the attempt is not open."""
    return connection.execute(_JOB_OF_OPEN, {"of_token": token}).scalar()


def set_open(connection: Connection, token: str, **values: Any) -> None:
    """Set columns of an attempt if it is open."""
    connection.execute(_CHANGE_OPEN, {"of_token": token, **values})


def started(connection: Connection, token: str, worker: str) -> None:
    """Store that an open attempt runs in `worker` from now on; it was pending until now.

    A repeated write does not change the start time.
    """
    change = {"of_token": token, "worker": worker, "started_at": datetime.now(UTC)}
    connection.execute(_START_PENDING, change)


def close(connection: Connection, token: str, outcome: AttemptOutcome, **values: Any) -> int | None:
    """End an open attempt, now or at `ended_at`; return its job's id.

    Return None and change nothing if the attempt is not open.
    """
    job_id = open_job(connection, token)
    ended = {"ended_at": datetime.now(UTC)}
    set_open(connection, token, outcome=outcome, **{**ended, **values})
    return job_id


def close_unfinished(
    connection: Connection, token: str, outcome: AttemptOutcome, **values: Any
) -> int | None:
    """End an open attempt that has no result, as `close` does.

    An attempt that never started gets its end as its start, so that its duration is zero.
    """
    ended = {"ended_at": datetime.now(UTC), **values}
    never_started = _attempts.c.outcome.is_(None) & _attempts.c.worker.is_(None)
    pending = update(_attempts).where(_attempts.c.token == token, never_started)
    connection.execute(pending.values(started_at=ended["ended_at"]))
    return close(connection, token, outcome, **ended)


def left_open(connection: Connection, sweep_id: int) -> list[str]:
    """Return the tokens of a sweep's open attempts."""
    query = select(_attempts.c.token)
    query = query.join(schema.jobs, schema.jobs.c.id == _attempts.c.job_id)
    query = query.join(schema.trials, schema.trials.c.id == schema.jobs.c.trial_id)
    of_sweep = (schema.trials.c.sweep_id == sweep_id) & _attempts.c.outcome.is_(None)
    rows = connection.execute(query.where(of_sweep))
    return list(rows.scalars())
