"""A SQLite file: how connections to it start, and whether it is still the same file.

A file that is deleted or replaced stays open in the processes that use it. What these write after
that would be lost without an error, and a new connection would create an empty database.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from searchctl.orchestrator.core.errors import DatabaseGone

# WAL: readers (status, the dashboard) never block the driver. In WAL mode, NORMAL loses no
# committed transaction when the process dies, and a commit takes 0.8 ms instead of 20. The busy
# timeout comes first, because the change to WAL needs an exclusive lock.
_SWITCHES = (
    "PRAGMA busy_timeout=30000",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
)

SQLITE_BEGIN = "sqlite_begin"
"""Execution option with the statement that starts a transaction. Default: BEGIN."""
RESCUED = ".rescued"
"""Suffix of the copy of a database whose file was deleted."""


class DatabaseFile:
    """The file of an engine; every transaction checks that it is the one of the first connection.

    A database in memory has none, and is not checked.
    """

    def __init__(self) -> None:
        self._place = ""
        self._identity: tuple[int, int] | None = None

    def watch(self, engine: Engine) -> None:
        """Prepare each connection of an engine, and check the file before each transaction."""
        event.listen(engine, "do_connect", self._check_connect)
        event.listen(engine, "connect", self._prepare)
        event.listen(engine, "begin", self._begin)

    def _check_connect(self, *_arguments: object) -> None:
        self._check()

    def _prepare(self, connection: Any, _record: object) -> None:
        for switch in _SWITCHES:
            connection.execute(switch)
        if not self._place:
            self._place = connection.execute("PRAGMA database_list").fetchone()[2]
            self._identity = _identity(self._place)

    def _begin(self, connection: Connection) -> None:
        self._check()
        # Python's sqlite3 starts a transaction only before INSERT, UPDATE and DELETE. CREATE TABLE
        # would run outside of it, and a failed migration would leave half a schema.
        connection.exec_driver_sql(connection.get_execution_options().get(SQLITE_BEGIN, "BEGIN"))

    def _check(self) -> None:
        if self._place and _identity(self._place) != self._identity:
            raise DatabaseGone(f"{self._place} was deleted or replaced while it was in use")


@contextmanager
def rescued(engine: Engine, sweep: str) -> Iterator[None]:
    """Copy the database to a file beside it if its file is deleted while the block uses it.

    Raises:
        DatabaseGone: with what to do now.
    """
    try:
        yield
    except DatabaseGone as error:
        copy = _copied(engine)
        if copy:
            fix = f"all that was stored is in {copy}: move it to {copy.with_suffix('')}"
        else:
            fix = "put a copy of it back; jobs that it does not have are trained again"
        raise DatabaseGone(f"{error}: {fix}, then `searchctl resume {sweep}`") from error


def _copied(engine: Engine) -> Path | None:
    """Copy what an open connection still reads; None if none is open, or there is no room."""
    try:
        with closing(engine.raw_connection()) as connection:
            source: Any = connection.driver_connection
            place = Path(f"{source.execute('PRAGMA database_list').fetchone()[2]}{RESCUED}")
            part = Path(f"{place}.{os.getpid()}")
            with closing(sqlite3.connect(part)) as copy:
                source.backup(copy)
        part.replace(place)
    except (DatabaseGone, sqlite3.Error, OSError):
        return None
    return place


def _identity(place: str) -> tuple[int, int] | None:
    try:
        about = os.stat(place)
    except FileNotFoundError:
        return None
    return about.st_dev, about.st_ino
