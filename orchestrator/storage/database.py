"""Opens a database and creates, checks or upgrades its schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from searchctl.orchestrator.core.errors import SchemaMismatch, SearchctlError
from searchctl.orchestrator.storage.connect import connect, shown
from searchctl.orchestrator.storage.faults import full, room_of
from searchctl.orchestrator.storage.sqlite.file import SQLITE_BEGIN

VERSION_TABLE = "searchctl_schema_version"
"""Not Alembic's default name, which Optuna uses for its own version in the same database."""

_MIGRATION_LOCK = 0x5EA7C4C71
"""Key of our PostgreSQL advisory lock: an arbitrary number."""


def open_database(url: str, *, create: bool = False) -> Engine:
    """Connect to a database that has the current schema.

    Args:
        url: URL of the database.
        create: whether to create missing tables.

    Raises:
        SearchctlError: the database cannot be reached, or does not exist (without `create`).
        SchemaMismatch: its schema is of an older or a newer version of searchctl.
    """
    engine = connect(url)
    _check_file(url, create)
    with _reached(url, engine):
        current, head = schema_version(engine), _scripts().get_current_head()
        if current is None and create:
            upgrade(engine)
        elif current != head:
            raise SchemaMismatch(_mismatch(url, current))
    return engine


def upgrade_database(url: str) -> str:
    """Upgrade an existing database to the current schema; return its new revision.

    Raises:
        SearchctlError: the database cannot be reached or does not exist.
        SchemaMismatch: its schema is of a newer version of searchctl, or it has no searchctl
            tables.
    """
    engine = connect(url)
    _check_file(url, create=False)
    with _reached(url, engine):
        current = schema_version(engine)
        if current not in _known():
            raise SchemaMismatch(_mismatch(url, current))
        upgrade(engine)
        revision = str(schema_version(engine))
    engine.dispose()
    return revision


def schema_version(engine: Engine) -> str | None:
    """Return the schema revision of a database; None if it has no searchctl tables."""
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE}
        return MigrationContext.configure(connection, opts=options).get_current_revision()


def upgrade(engine: Engine) -> None:
    """Run all missing migrations in one transaction.

    Concurrent upgrades run one after the other; the second one finds nothing to do.
    """
    config = _config()
    locking = engine.execution_options(**{SQLITE_BEGIN: "BEGIN IMMEDIATE"})
    with locking.connect() as connection, _tables_replaceable(connection), connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _tables_replaceable(connection: Connection) -> Iterator[None]:
    """Disable SQLite's foreign keys, so that a migration can replace a referenced table.

    SQLite cannot change a key in place. Alembic copies the table and drops the old one, which
    foreign keys would refuse. They cannot be disabled within a transaction.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    execute = connection.connection.cursor().execute
    execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        execute("PRAGMA foreign_keys=ON")


def _config() -> Config:
    config = Config()
    config.set_main_option(
        "script_location", str(files("searchctl.orchestrator.storage") / "migrations")
    )
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _known() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _mismatch(url: str, current: str | None) -> str:
    if current is None:
        return f"{shown(url)} holds no searchctl tables: launch a sweep first, or check --db"
    if current in _known():
        return (
            f"{shown(url)} has the older schema {current}: back it up and run "
            f"`searchctl db upgrade --db {shown(url)}`"
        )
    return (
        f"{shown(url)} has schema {current}, written by a newer searchctl: "
        "install that version (`pip install --upgrade searchctl`), or use another --db"
    )


def _check_file(url: str, create: bool) -> None:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return
    path = Path(parsed.database)
    if not create and not path.exists():
        raise SearchctlError(f"no database at {path}: launch a sweep first, or name it with --db")
    if create and not path.parent.is_dir():
        raise SearchctlError(f"cannot create {path}: the directory {path.parent} does not exist")


@contextmanager
def _reached(url: str, engine: Engine) -> Iterator[None]:
    try:
        yield
    except SchemaMismatch:
        engine.dispose()
        raise
    except SQLAlchemyError as error:
        engine.dispose()
        room = room_of(engine.url) if full(error) else ""
        raise SearchctlError(
            f"cannot use the database {shown(url)}: {error.args[0]}{room}"
        ) from error
