"""Current phase of a running sweep, read from its database."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, func, make_url, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.pool import NullPool

from searchctl.orchestrator.storage import schema

_BUSY = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND state <> 'idle'"
)


_OPEN = ("WAITING", "RUNNING")


class Moment(StrEnum):
    """Where in its life a driver is."""

    START_UP = "start-up"
    EPOCH = "mid-epoch"
    SCORING = "scoring"
    BARRIER = "barrier"
    STORING = "storing"
    SHUTDOWN = "shutdown"
    OUTAGE = "outage"


MEANING = {
    Moment.START_UP: "the driver has handed out no job yet",
    Moment.EPOCH: "jobs are training",
    Moment.SCORING: "a job has stored its last epoch, but no result",
    Moment.BARRIER: "the rung waits for its last job, or the next one has not started",
    Moment.STORING: "a transaction is being written",
    Moment.SHUTDOWN: "the last decision is stored, and the driver still alive",
    Moment.OUTAGE: "the database is down",
}


@dataclass(frozen=True)
class NodeView:
    """What was seen at one moment."""

    moment: Moment
    workers: tuple[str, ...] = ()
    """"host:pid" of those that run a job."""
    starting: bool = False
    """Has the driver handed out no job yet, whatever else it is doing?"""


class Watcher:
    """Looks at a sweep in its database without holding a connection."""

    def __init__(self, url: str, epochs: int) -> None:
        """Watch the only sweep of a database, whose jobs have so many epochs."""
        self._engine = create_engine(_to_read(url), poolclass=NullPool)
        self._writing = _sqlite_writes(url) if url.startswith("sqlite") else self._postgres_writes
        self._epochs = epochs

    def exists(self) -> bool:
        """Is the sweep stored?"""
        return self._ask(lambda c: c.execute(select(schema.sweeps.c.id)).first() is not None, False)

    def complete(self) -> bool:
        """Has the sweep ended?"""
        state = select(schema.sweeps.c.state)
        return self._ask(lambda c: c.execute(state).scalar() == "COMPLETE", False)

    def extensions(self) -> int:
        """Return how often the sweep was extended."""
        newest = select(func.max(schema.cohorts.c.request))
        return self._ask(lambda c: c.execute(newest).scalar() or 0, 0)

    def look(self, since: datetime) -> NodeView:
        """Say what the driver that was started then is doing."""
        try:
            with self._engine.connect() as connection:
                return self._look(connection, since)
        except DBAPIError as error:
            if isinstance(error, ProgrammingError) or self._engine.name == "sqlite":  # no tables
                return NodeView(Moment.START_UP, starting=True)
            return NodeView(Moment.OUTAGE)

    def wait_for_a_write(self, seconds: float) -> bool:
        """Return as soon as the database is being written to; False if it is not for so long."""
        before, until = self._writing(), time.monotonic() + seconds
        while time.monotonic() < until:
            now = self._writing()
            if now != before:
                return True
            time.sleep(0.0005)
        return False

    def _ask(self, question: Callable[[Connection], Any], otherwise: Any) -> Any:
        try:
            with self._engine.connect() as connection:
                return question(connection)
        except DBAPIError:  # not created yet, or down
            return otherwise

    def _look(self, connection: Connection, since: datetime) -> NodeView:
        attempts = schema.attempts.c
        if _is_decided(connection):
            return NodeView(Moment.SHUTDOWN)
        query = select(attempts.job_id, attempts.worker, attempts.ended_at)
        started = connection.execute(query.where(attempts.started_at >= since)).all()
        if not started:
            return NodeView(Moment.START_UP, starting=True)
        running = {row.job_id: row.worker for row in started if row.ended_at is None}
        workers = tuple(sorted(worker for worker in running.values() if worker))
        if self._scores(connection, list(running)):
            return NodeView(Moment.SCORING, workers)
        if len(running) < 2 and _is_barrier(connection):
            return NodeView(Moment.BARRIER, workers)
        return NodeView(Moment.EPOCH, workers)

    def _scores(self, connection: Connection, running: list[int]) -> bool:
        epochs = schema.epochs.c
        last = select(epochs.job_id).where(epochs.job_id.in_(running), epochs.epoch == self._epochs)
        return connection.execute(last).first() is not None

    def _postgres_writes(self) -> object:
        return self._ask(lambda connection: connection.execute(_BUSY).scalar(), None)


def _is_decided(connection: Connection) -> bool:
    """Is every cohort drawn, with no decision pending and no job open?"""
    undrawn = select(schema.cohorts.c.id).where(schema.cohorts.c.drawn_at.is_(None))
    pending = [
        select(table.c.id).where(table.c.state.in_(_OPEN)) for table in (schema.trials, schema.jobs)
    ]
    stored = connection.execute(select(schema.trials.c.id)).first()
    return stored is not None and not any(
        connection.execute(query).first() for query in (undrawn, *pending)
    )


def _is_barrier(connection: Connection) -> bool:
    """Have all jobs of the open rungs started, so that a free worker has nothing to do?"""
    trials, jobs, decisions = schema.trials.c, schema.jobs.c, schema.decisions.c
    pending = select(trials.id).where(trials.state.in_(_OPEN))
    promoted = select(decisions.trial_id, func.count()).group_by(decisions.trial_id)
    rung_of = dict(connection.execute(promoted.where(decisions.verdict == "promoted")).all())
    started = select(jobs.trial_id, jobs.rung).where(jobs.state != "WAITING")
    begun = set(connection.execute(started).tuples())
    return all((t, rung_of.get(t, 0)) in begun for t in connection.scalars(pending))


def _to_read(url: str) -> str:
    """Leave a SQLite file as it is: a writer's last connection would clear up after a kill."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return url
    return f"sqlite:///file:{parsed.database}?mode=ro&uri=true"


def _sqlite_writes(url: str) -> Callable[[], object]:
    log = Path(f"{make_url(url).database}-wal")

    def changed() -> object:
        try:
            return log.stat().st_size, log.stat().st_mtime_ns
        except OSError:
            return None

    return changed
