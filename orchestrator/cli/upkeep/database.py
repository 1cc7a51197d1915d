"""Commands on the database as a whole: db create, db upgrade."""

import click

from searchctl.orchestrator.cli.common import CommandGroup, db_option, json_option, print_json
from searchctl.orchestrator.config.locations import database_url


@click.group(cls=CommandGroup)
def db() -> None:
    """Create or upgrade the tables of the database.

    \b
    Example: searchctl db upgrade
    """


@db.command()
@db_option
@json_option
def create(db: str | None, as_json: bool) -> None:
    """Create the tables in a database that has none; otherwise change nothing.

    \b
    The first launch does this too. Use it to start a dashboard before the first sweep.
    Example: searchctl db create
    """
    from searchctl.orchestrator.storage.database import open_database, schema_version

    _print_schema(schema_version(open_database(database_url(db), create=True)), as_json=as_json)


@db.command()
@db_option
@json_option
def upgrade(db: str | None, as_json: bool) -> None:
    """Upgrade a database that an older searchctl wrote to this version's schema.

    \b
    Stop its sweeps and make a backup first. The upgrade is done as a whole or not at all; a
    database that has this version's schema is not changed.
    Example: searchctl db upgrade --db sqlite:///searchctl.db
    """
    from searchctl.orchestrator.storage.database import upgrade_database

    _print_schema(upgrade_database(database_url(db)), as_json=as_json)


def _print_schema(revision: str | None, *, as_json: bool) -> None:
    if as_json:
        print_json({"schema": revision})
    else:
        click.echo(f"the database has schema {revision}")
