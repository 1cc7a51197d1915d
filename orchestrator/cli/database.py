"""Commands on the database as a whole: db create, db upgrade."""

import click

from searchctl.orchestrator.cli.common import CommandGroup, db_option
from searchctl.orchestrator.config.locations import database_url


@click.group(cls=CommandGroup)
def db() -> None:
    """Look after the database.

    \b
    Example: searchctl db upgrade
    """


@db.command()
@db_option
def create(db: str | None) -> None:
    """Make the tables in a database that has none, before its first sweep; else change nothing.

    
    The first launch does it too: this is for a dashboard that is started before that.
    Example: searchctl db create
    """
    from searchctl.orchestrator.storage.database import open_database, schema_version

    revision = schema_version(open_database(database_url(db), create=True))
    click.echo(f"the database has schema {revision}")


@db.command()
@db_option
def upgrade(db: str | None) -> None:
    """Bring a database that an older searchctl wrote to this version's schema.

    \b
    Stop its sweeps and make a backup first. It is done whole or not at all; nothing is changed
    if the schema is this version's already.
    Example: searchctl db upgrade --db sqlite:///searchctl.db
    """
    from searchctl.orchestrator.storage.database import upgrade_database

    revision = upgrade_database(database_url(db))
    click.echo(f"the database has schema {revision}")
