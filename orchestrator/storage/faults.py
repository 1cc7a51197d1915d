"""What an error of the database means for who met it: try again, make room, or give up.

Decided from the driver's own codes, never from the text, which depends on the language.
"""

import sqlite3

from sqlalchemy.exc import DBAPIError, OperationalError

_AGAIN = (
    "08",  # the connection
    "40001",  # serialization failure
    "40P01",  # deadlock
    "53",  # too many connections, out of memory; 53100 is the full disk, see _FULL
    "55P03",  # a lock was not free in time
    "57P0",  # the server is shutting down, starting, or ended this session
)
_FULL = ("53100", "25006")  # disk full, read-only transaction

_SQLITE_AGAIN = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_SQLITE_FULL = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,  # a quota, or a file that may not grow
    sqlite3.SQLITE_CANTOPEN,  # its directory may not be written to
)


def unreachable(error: BaseException) -> bool:
    """Say whether the same write may succeed later: nothing is wrong with the write itself.

    True for a PostgreSQL server that is down, starting, shutting down or cut off, and for locks
    that were not free in time. A server that answers and will not let us in is waited for too:
    nobody can tell that from a server that is being set up again.
    """
    if not isinstance(error, DBAPIError) or full(error):
        return False
    code = _sqlite_code(error)
    if code is not None:
        return code in _SQLITE_AGAIN
    if error.connection_invalidated:  # whatever made the server end the session
        return True
    state = _sqlstate(error)
    if state is None:  # no server has spoken
        return isinstance(error, OperationalError) and hasattr(error.orig, "sqlstate")
    return state.startswith(_AGAIN)


def full(error: BaseException) -> bool:
    """Say whether the database takes no more writes until a person has seen to it.

    True for a full disk, and for a database that may only be read.
    """
    if not isinstance(error, DBAPIError):
        return False
    return _sqlite_code(error) in _SQLITE_FULL or _sqlstate(error) in _FULL


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _sqlite_code(error: DBAPIError) -> int | None:
    """Return SQLite's primary code; the extended one is in the bits above."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
