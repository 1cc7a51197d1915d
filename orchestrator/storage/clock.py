"""The database's own clock: the one clock that all drivers of a sweep share."""

from typing import Any

from sqlalchemy import Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


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
