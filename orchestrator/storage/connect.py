"""Makes SQLAlchemy's engine for a URL: drivers, time limits, SQLite's switches."""

from typing import Any

from sqlalchemy import URL, Connection, Engine, Float, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from searchctl.orchestrator.core.errors import SearchctlError

# A server that has vanished without a word is noticed within about ten seconds.
_POSTGRESQL_SOCKET = {
    "connect_timeout": 5,
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

# A driver that is stopped (SIGSTOP, a suspended laptop) within a transaction holds its sweep's row:
# the server ends its session, before the one that waits to take the sweep over loses patience.
_POSTGRESQL_SESSION = (
    "SET idle_in_transaction_session_timeout = '20s'",
    "SET lock_timeout = '30s'",
)

# WAL: readers (status, the dashboard) never block the driver. In WAL mode NORMAL loses no committed
# transaction when the process dies, and a commit costs 0.8 ms instead of 20. The time to wait comes
# first: the change to WAL needs the file for itself.
_SQLITE_SWITCHES = (
    "PRAGMA busy_timeout=30000",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
)

SQLITE_BEGIN = "sqlite_begin"
"""Execution option: the statement that begins a transaction, BEGIN unless said otherwise."""


def database_location(url: str) -> URL:
    """Return a database's URL, with the driver that searchctl uses.

    Raises:
        SearchctlError: it cannot be read; quotes nothing of it, since a password may be in it.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        parsed.get_dialect()
    except (ArgumentError, ValueError) as error:
        raise _unreadable() from error
    if "@" in (parsed.host or ""):  # of a password that holds one: its rest would be the host
        raise _unreadable("; in a password, write @ as %40")
    return parsed


def shown(url: str | URL) -> str:
    """Return a database's URL for people: without its password and its options.

    >>> shown("postgresql+psycopg://u:secret@host/x?sslpassword=secret")
    'postgresql+psycopg://u:***@host/x'
    """
    return make_url(url).set(query={}).render_as_string(hide_password=True)


def engine_options(location: URL) -> dict[str, Any]:
    """Return create_engine's options for a database; the URL's own parameters count before them."""
    if location.get_backend_name() != "postgresql":
        return {}
    limits = {key: value for key, value in _POSTGRESQL_SOCKET.items() if key not in location.query}
    return {"pool_pre_ping": True, "connect_args": limits}


def connect(url: str) -> Engine:
    """Return the engine for a database, not connected yet.

    Raises:
        SearchctlError: the URL cannot be read, or its driver is not installed.
    """
    location = database_location(url)
    try:
        engine = create_engine(location, **engine_options(location))
    except (ArgumentError, ValueError) as error:
        raise _unreadable() from error
    except ImportError as error:
        raise SearchctlError(
            f"the driver for {shown(location)} is not installed ({error}): for "
            "PostgreSQL, pip install 'searchctl[postgres]'"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _unreadable(fix: str = "") -> SearchctlError:
    return SearchctlError(
        "the database's URL (--db, $SEARCHCTL_DB_URL or storage.url) cannot be read: write it "
        f"like sqlite:///searchctl.db or postgresql+psycopg://user@host/name{fix}"
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    for switch in _SQLITE_SWITCHES:
        connection.execute(switch)


def _begin_sqlite(connection: Connection) -> None:
    # Python's sqlite3 begins a transaction before INSERT, UPDATE and DELETE only: CREATE TABLE
    # would be on its own, and a migration that fails would leave half a schema
    connection.exec_driver_sql(connection.get_execution_options().get(SQLITE_BEGIN, "BEGIN"))


def _prepare_postgresql(connection: Any, _record: object) -> None:
    for setting in _POSTGRESQL_SESSION:
        connection.execute(setting)
    connection.commit()


class database_now(FunctionElement[float]):
    """Seconds since 1970 on the database's clock, read when the statement runs.

    A double with a resolution of a millisecond or better. PostgreSQL's now() would not do: it is
    the start of the transaction, however long that has waited for a lock.
    """

    type = Float()
    inherit_cache = True


@compiles(database_now, "postgresql")
def _on_postgresql(_element: Any, _compiler: Any, **_options: Any) -> str:
    return "CAST(extract(epoch from clock_timestamp()) AS double precision)"


@compiles(database_now, "sqlite")
def _on_sqlite(_element: Any, _compiler: Any, **_options: Any) -> str:
    # unixepoch('subsec') needs SQLite 3.42; 2440587.5 is the Julian day of 1970-01-01 00:00 UTC
    return "((julianday('now') - 2440587.5) * 86400.0)"
