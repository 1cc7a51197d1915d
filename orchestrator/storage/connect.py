"""Creates SQLAlchemy engines: database drivers, timeouts and SQLite settings."""

import json
from typing import Any

from sqlalchemy import URL, Engine, Float, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.storage.sqlite.file import DatabaseFile

# A server that vanishes without closing the connection is noticed within about ten seconds.
_POSTGRESQL_SOCKET = {
    "connect_timeout": 5,
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

# A driver that is suspended (SIGSTOP, a closed laptop) within a transaction keeps its sweep's row
# locked. The server ends that session before the lock timeout of a driver that takes over.
_POSTGRESQL_SESSION = (
    "SET idle_in_transaction_session_timeout = '20s'",
    "SET lock_timeout = '30s'",
)

_READ = json.JSONDecoder().raw_decode


def database_location(url: str) -> URL:
    """Return a parsed database URL with the database driver that searchctl uses.

    Raises:
        SearchctlError: the URL is invalid. The message does not quote it, because it may hold a
            password.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        parsed.get_dialect()
    except (ArgumentError, ValueError) as error:
        raise _unreadable() from error
    if "@" in (parsed.host or ""):  # a password with @: its rest would be read as the host
        raise _unreadable("; in a password, write @ as %40")
    return parsed


def shown(url: str | URL) -> str:
    """Return a database URL for messages, without its password and its options.

    >>> shown("postgresql+psycopg://u:secret@host/x?sslpassword=secret")
    'postgresql+psycopg://u:***@host/x'
    """
    return make_url(url).set(query={}).render_as_string(hide_password=True)


def engine_options(location: URL) -> dict[str, Any]:
    """Return the options of `create_engine`. Parameters in the URL take precedence."""
    if location.get_backend_name() != "postgresql":
        return {"json_deserializer": _json_or_none}
    limits = {key: value for key, value in _POSTGRESQL_SOCKET.items() if key not in location.query}
    return {"pool_pre_ping": True, "connect_args": limits}


def _json_or_none(text: str) -> Any:
    """Return a stored value; None if it is damaged, so that the other rows can still be read."""
    try:
        value, end = _READ(text)  # json.loads takes longer for values as small as ours
        return value if end == len(text) else json.loads(text)
    except ValueError:
        return None


def connect(url: str) -> Engine:
    """Return the engine for a database; it connects at its first use.

    Raises:
        SearchctlError: the URL is invalid, or its database driver is not installed.
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
        DatabaseFile().watch(engine)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _unreadable(fix: str = "") -> SearchctlError:
    return SearchctlError(
        "the database's URL (--db, $SEARCHCTL_DB_URL or storage.url) cannot be read: write it "
        f"like sqlite:///searchctl.db or postgresql+psycopg://user@host/name{fix}"
    )


def _prepare_postgresql(connection: Any, _record: object) -> None:
    for setting in _POSTGRESQL_SESSION:
        connection.execute(setting)
    connection.commit()


class database_now(FunctionElement[float]):
    """Seconds since 1970 on the database's clock, read when the statement runs.

    A double with a resolution of a millisecond or better. PostgreSQL's now() is not usable: it is
    the start of the transaction, which may have waited for a lock.
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
