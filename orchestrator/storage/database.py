"""Opens a database: engine, SQLite's switches, and the schema's version."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from orchestrator.errors import SchemaMismatch, SearchctlError

VERSION_TABLE = "searchctl_schema_version"
"""Not alembic's default name: Optuna keeps its own version under that one, in the same database."""


def open_database(url: str, *, create: bool = False) -> Engine:
    """Connect to a database whose schema is this version's, creating the tables if asked to.

    Raises:
        SearchctlError: it cannot be reached, or (without `create`) there is none.
        SchemaMismatch: an older or a newer version of searchctl wrote it.
    """
    engine = _engine(url)
    _check_file(url, create)
    with _reached(url):
        current, head = schema_version(engine), _scripts().get_current_head()
        if current is None and create:
            upgrade(engine)
        elif current != head:
            raise SchemaMismatch(_mismatch(url, current))
    return engine


def upgrade_database(url: str) -> str:
    """Bring an existing database to this version's schema; return the revision it now has.

    Raises:
        SearchctlError: it cannot be reached, or there is none.
        SchemaMismatch: a newer version of searchctl wrote it.
    """
    engine = _engine(url)
    _check_file(url, create=False)
    with _reached(url):
        current = schema_version(engine)
        if current is not None and current not in _known():
            raise SchemaMismatch(_mismatch(url, current))
        upgrade(engine)
        return str(schema_version(engine))


def schema_version(engine: Engine) -> str | None:
    """Return the schema revision that a database has; None for one without our tables."""
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE}
        return MigrationContext.configure(connection, opts=options).get_current_revision()


def upgrade(engine: Engine) -> None:
    """Run the migrations that a database lacks, in one transaction."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("orchestrator.storage") / "migrations"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _known() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _mismatch(url: str, current: str | None) -> str:
    if current is None:
        return f"{_shown(url)} holds no searchctl tables: launch a sweep first, or check --db"
    if current in _known():
        return (
            f"{_shown(url)} has the older schema {current}: back it up and run "
            f"`searchctl db upgrade --db {_shown(url)}`"
        )
    return (
        f"{_shown(url)} has schema {current}, written by a newer searchctl: "
        "install that version (`pip install --upgrade searchctl`), or use another --db"
    )


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


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
def _reached(url: str) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise SearchctlError(f"cannot use the database {_shown(url)}: {error.args[0]}") from error


def _engine(url: str) -> Engine:
    try:
        engine = create_engine(url)
    except (ArgumentError, ValueError) as error:
        # neither the URL nor the error is quoted: a password may be in them
        raise SearchctlError(
            "the database's URL (--db, $SEARCHCTL_DB_URL or storage.url) cannot be read: write it "
            "like sqlite:///searchctl.db or postgresql+psycopg://user@host/name"
        ) from error
    except ImportError as error:
        raise SearchctlError(
            f"the driver for {_shown(url)} is not installed ({error}): for PostgreSQL, "
            "pip install 'searchctl[postgres]'"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # WAL: readers (status, the dashboard) never block the driver. In WAL mode NORMAL loses no
    # committed transaction when the process dies, and a commit costs 0.8 ms instead of 20.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "busy_timeout=30000",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
