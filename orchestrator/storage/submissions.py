"""Drivers that were submitted to a cluster: their Ray job and the address of its Jobs API.

A submission is stored before its job is created, in the database of the submitting machine. So a
driver that does not find its own submission uses a different database.
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
    """Ray's submission id."""
    sweep: str
    address: str
    """Address of the cluster's Jobs API, as used by the submitting machine."""
    submitted_at: datetime


def new_submission(sweep: str, address: str) -> Submission:
    """Return a new submission with a unique id, without storing it."""
    return Submission(f"{sweep}-{secrets.token_hex(4)}", sweep, address, datetime.now(UTC))


def store_submission(engine: Engine, submission: Submission) -> None:
    """Store a submission."""
    with engine.begin() as connection:
        connection.execute(insert(submissions).values(**vars(submission)))


def newest_submission(engine: Engine, sweep: str) -> Submission | None:
    """Return the newest submission of a sweep; None if its driver was never submitted."""
    query = select(submissions).where(submissions.c.sweep == sweep)
    with engine.connect() as connection:
        row = connection.execute(query.order_by(submissions.c.id.desc()).limit(1)).first()
    return None if row is None else Submission(row.job, row.sweep, row.address, row.submitted_at)


def knows(engine: Engine, job: str) -> bool:
    """Return whether this database has the submission of a Ray job."""
    query = select(submissions.c.id).where(submissions.c.job == job)
    with engine.connect() as connection:
        return connection.execute(query).first() is not None
