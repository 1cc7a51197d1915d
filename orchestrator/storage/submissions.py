"""Drivers that were submitted to a cluster: which job each is, and where its Jobs API is.

A submission is stored before the job is there, in the database of the one who submits: so a driver
that does not find its own in its database was given another one.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, insert, select

from searchctl.orchestrator.storage.schema import submissions


@dataclass(frozen=True)
class Submission:
    """One submitted driver."""

    job: str
    """Its submission id, as Ray calls it."""
    sweep: str
    address: str
    """Of the cluster's Jobs API, as the machine that submitted it called it."""
    submitted_at: datetime


def new_submission(sweep: str, address: str) -> Submission:
    """Return a submission with an id that no other job has; it is not stored yet."""
    return Submission(f"{sweep}-{secrets.token_hex(4)}", sweep, address, datetime.now(UTC))


def store_submission(engine: Engine, submission: Submission) -> None:
    """Store a submission."""
    with engine.begin() as connection:
        connection.execute(insert(submissions).values(**vars(submission)))


def newest_submission(engine: Engine, sweep: str) -> Submission | None:
    """Return the newest submission of a sweep; None if its driver never was submitted."""
    query = select(submissions).where(submissions.c.sweep == sweep)
    with engine.connect() as connection:
        row = connection.execute(query.order_by(submissions.c.id.desc()).limit(1)).first()
    return None if row is None else Submission(row.job, row.sweep, row.address, row.submitted_at)


def knows(engine: Engine, job: str) -> bool:
    """Was the driver with that submission id submitted by somebody with this database?"""
    query = select(submissions.c.id).where(submissions.c.job == job)
    with engine.connect() as connection:
        return connection.execute(query).first() is not None
