"""Options and exit codes that several commands share."""

import json
from typing import Any

import click

from searchctl.orchestrator.config.locations import holds_password

OK = 0
ERROR = 1  # something the user can fix; the message says how
USAGE = 2  # click's own, for a wrong option
NO_ANSWER = 3  # the sweep ran, and no trial has a score
STOPPED = 4  # by `searchctl stop`, a deadline or a budget: resume goes on
INTERRUPTED = 130
TERMINATED = 143


def _warned(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    """Warn of a password on the command line: every user of the machine sees it there."""
    if url and holds_password(url):
        click.echo(
            "warning: `ps` shows the password of --db to everyone on this machine: put the URL "
            "into $SEARCHCTL_DB_URL instead",
            err=True,
        )
    return url


db_option = click.option(
    "--db",
    metavar="URL",
    callback=_warned,
    help="Database, e.g. sqlite:///searchctl.db (the default) or postgresql+psycopg://host/name. "
    "Without it: $SEARCHCTL_DB_URL, then the sweep file's storage.url.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
data_root_option = click.option(
    "--data-root",
    type=click.Path(file_okay=False, path_type=None),
    metavar="DIR",
    help="Where the data set lies on this machine, in place of data.root.",
)


class CommandGroup(click.Group):
    """Lists its commands with a whole sentence each, where click would cut it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list into the help."""
        told = [(name, each.get_short_help_str(1000)) for name, each in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(told))


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, default=str))
