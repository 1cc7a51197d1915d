"""The rows of attempts, inside the writer's transactions: opened once, closed once, by token."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from orchestrator.storage import schema
from orchestrator.storage.rows import AttemptOutcome

_attempts = schema.attempts
_OPEN = _attempts.c.outcome.is_(None)


def number_of(connection: Connection, token: str) -> int | None:
    """Return the number of the attempt of that token; None if there is none yet."""
    return connection.execute(select(_attempts.c.number).where(_attempts.c.token == token)).scalar()


def begin(connection: Connection, job_id: int, token: str, gpus: float) -> int:
    """Open a job's next attempt; return its number, counted from 1."""
    earlier = select(func.count()).where(_attempts.c.job_id == job_id)
    number = int(connection.execute(earlier).scalar_one()) + 1
    row = {"job_id": job_id, "number": number, "token": token, "gpus": gpus}
    connection.execute(insert(_attempts).values(**row, started_at=datetime.now(UTC)))
    return number


def is_open(connection: Connection, token: str) -> bool:
    """Say whether the attempt of that token has begun and not ended."""
    query = select(_attempts.c.id).where(_attempts.c.token == token, _OPEN)
    return connection.execute(query).first() is not None


def set_open(connection: Connection, token: str, **values: Any) -> bool:
    """Set values of an open attempt; return False, and change nothing, if it is not open."""
    change = update(_attempts).where(_attempts.c.token == token, _OPEN).values(values)
    return connection.execute(change).rowcount > 0


def close(connection: Connection, token: str, outcome: AttemptOutcome, **values: Any) -> bool:
    """End an open attempt, now unless `ended_at` is given; False, and no change, if not open."""
    ended = {"ended_at": datetime.now(UTC)}
    return set_open(connection, token, outcome=outcome, **{**ended, **values})


def left_open(connection: Connection, sweep_id: int) -> list[tuple[str, int, int]]:
    """Return (token, job's id, trial's number) of a sweep's open attempts."""
    query = select(_attempts.c.token, _attempts.c.job_id, schema.trials.c.number)
    query = query.join(schema.jobs, schema.jobs.c.id == _attempts.c.job_id)
    query = query.join(schema.trials, schema.trials.c.id == schema.jobs.c.trial_id)
    rows = connection.execute(query.where(schema.trials.c.sweep_id == sweep_id, _OPEN))
    return [(token, job_id, trial) for token, job_id, trial in rows]
