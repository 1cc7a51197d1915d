"""Classifies errors of the database: temporary, full, or permanent.

It uses the error codes of the database drivers and never the text, which depends on the language.
"""

import sqlite3
from pathlib import Path
from tempfile import TemporaryFile

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from searchctl.orchestrator.storage.connect import shown
from searchctl.trainer.core.machine.disk_space import NO_ROOM, disk_space

_AGAIN = (
    "08",  # the connection
    "40001",  # serialization failure
    "40P01",  # deadlock
    "53",  # too many connections, out of memory; 53100 (disk full) is in _FULL
    "55P03",  # lock timeout
    "57P0",  # the server is shutting down, starting, or has ended this session
)
_READ_ONLY = "25006"
_FULL = ("53100", _READ_ONLY)  # 53100: disk full

_SQLITE_AGAIN = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_SQLITE_READ_ONLY = (
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,  # its directory may not be written to
)
_SQLITE_FULL = (
    sqlite3.SQLITE_FULL,
    *_SQLITE_READ_ONLY,
    sqlite3.SQLITE_IOERR,  # a quota, or a file that may not grow
)


def unreachable(error: BaseException) -> bool:
    """Return whether the same write may succeed later.

    This holds for a PostgreSQL server that is down, starting, shutting down or unreachable, and for
    lock timeouts. It also holds for a server that refuses the login, since a server that is being
    set up again does the same.
    """
    if not isinstance(error, DBAPIError) or full(error):
        return False
    code = _sqlite_code(error)
    if code is not None:
        return code in _SQLITE_AGAIN
    if error.connection_invalidated:  # the session has ended, for whatever reason
        return True
    state = _sqlstate(error)
    if state is None:  # the error comes from the client library: there was no connection
        return isinstance(error, OperationalError) and hasattr(error.orig, "sqlstate")
    return state.startswith(_AGAIN)


def full(error: BaseException) -> bool:
    """Return whether a user has to act before the database accepts writes.

    This holds for a full disk and for a read-only database.
    """
    if not isinstance(error, DBAPIError):
        return False
    return _sqlite_code(error) in _SQLITE_FULL or _sqlstate(error) in _FULL


def fix_of(error: BaseException) -> str:
    """Return what a user has to do before the database accepts writes again."""
    read_only = isinstance(error, DBAPIError) and (
        _sqlite_code(error) in _SQLITE_READ_ONLY or _sqlstate(error) == _READ_ONLY
    )
    return "make it writable" if read_only else "free disk space"


def full_message(error: BaseException, url: URL | None = None) -> str:
    """Return a message for a database that accepts no writes: its place, its room, the fix.

    Args:
        error: of the database.
        url: of the database, where it is known.
    """
    cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    where = f" {shown(url)}" if url else ""
    room = room_of(url) if url else ""
    return f"the database{where} cannot store anything more ({cause}{room}): {fix_of(error)}"


def room_of(url: URL) -> str:
    """Return why no file can be written beside a database, or how much is free on its disk.

    It is for the end of a message, and empty for a database that is no file of this machine.
    """
    file = url.database if url.get_backend_name() == "sqlite" else None
    if not file:
        return ""
    folder = Path(file).parent
    try:
        TemporaryFile(dir=folder).close()
    except OSError as error:
        if error.errno not in NO_ROOM:
            return f"; the directory {folder} cannot be written to ({error.strerror})"
    return f"; {disk_space(Path(file))}"


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _sqlite_code(error: DBAPIError) -> int | None:
    """Return SQLite's primary result code: the low 8 bits of the extended code."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
