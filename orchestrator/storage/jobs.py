"""The rows of jobs and of what they came to, inside the writer's transactions.

The statements are made once: a driver runs them for each epoch and result, and making one takes
longer than running it.
"""

from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from searchctl.orchestrator.storage import results, schema
from searchctl.orchestrator.storage.rows import TrialState
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


def change(connection: Connection, job_id: int, **values: Any) -> None:
    """Set values of a job."""
    connection.execute(_CHANGE, {"of_job": job_id, **values})


def set_trial_of(connection: Connection, job_id: int, state: TrialState) -> None:
    """Set the state of a job's trial; after the ladder, that of its last verdict remains."""
    connection.execute(_CHANGE_TRIAL, {"of_job": job_id, "state": state})


def let_wait(connection: Connection, job_id: int | None) -> None:
    """Let a job wait to be tried again, if there is one."""
    if job_id is not None:
        change(connection, job_id, state="WAITING")
        set_trial_of(connection, job_id, "WAITING")


def replace_epoch(connection: Connection, job_id: int, record: EpochRecord) -> None:
    """Store an epoch of a job in place of what an earlier attempt stored."""
    connection.execute(_OLD_EPOCH, {"of_job": job_id, "old": record.epoch})
    row = {"job_id": job_id, **results.epoch_row(record)}
    connection.execute(insert(schema.epochs), row)


def replace_details(connection: Connection, job_id: int, result: JobResult) -> None:
    """Store a result's epochs, and its scores by class and by image, in place of earlier ones."""
    for table, rows in (
        (schema.epochs, [results.epoch_row(record) for record in result.epochs]),
        (schema.class_scores, results.class_rows(result)),
        (schema.image_scores, results.image_rows(result.image_counts)),
    ):
        connection.execute(_OLD[table], {"of_job": job_id})
        if rows:
            connection.execute(insert(table), [{"job_id": job_id, **row} for row in rows])
