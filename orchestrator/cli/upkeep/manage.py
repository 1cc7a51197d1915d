"""Commands on whole stored sweeps: delete, rename."""

import click

from searchctl.orchestrator.cli.common import db_option, sweep_argument
from searchctl.orchestrator.cli.views.view import open_sweep
from searchctl.orchestrator.config.locations import database_url
from searchctl.orchestrator.facts.text import counted


@click.command()
@sweep_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@db_option
def delete(sweep: str, yes: bool, db: str | None) -> None:
    """Delete a sweep: its results, its files and its Optuna study. Its name is free then.

    \b
    Jobs that other sweeps have copied from it, and exported configurations, are not touched.
    Example: searchctl delete quickstart
    """
    from searchctl.orchestrator.artifacts.directory import stored_directory
    from searchctl.orchestrator.artifacts.garbage import used_bytes
    from searchctl.orchestrator.run.whole_sweeps import delete_sweep
    from searchctl.orchestrator.storage.reads.queries import trials

    engine, row = open_sweep(sweep, db)
    folder = stored_directory(row)
    size = f"{counted(len(trials(engine, row)), 'trial')} and {used_bytes(folder) / 1e6:.1f} MB"
    if not yes:
        click.confirm(f"Delete '{sweep}' ({row.shown_state}, {size} in {folder})?", abort=True)
    delete_sweep(engine, database_url(db), row)
    click.echo(f"deleted '{sweep}': {size}")


@click.command()
@sweep_argument
@click.argument("name")
@db_option
def rename(sweep: str, name: str, db: str | None) -> None:
    """Give a sweep, its directory and its Optuna study another name.

    \b
    The sweep file is not changed: edit its `name` before you resume with it.
    Example: searchctl rename quickstart first-try
    """
    from searchctl.orchestrator.run.whole_sweeps import rename_sweep

    engine, row = open_sweep(sweep, db)
    rename_sweep(engine, database_url(db), row, name)
    click.echo(f"'{sweep}' is '{name}' now")
