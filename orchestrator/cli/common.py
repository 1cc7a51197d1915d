"""Arguments, options, exit codes and output that several commands share."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from searchctl.orchestrator.config.locations import holds_password
from searchctl.orchestrator.facts.text import counted

OK = 0
ERROR = 1  # something the user can fix; the message says how
USAGE = 2  # click's own, for a wrong option
NO_ANSWER = 3  # the sweep ran, and no trial has a score
STOPPED = 4  # by `searchctl stop`, a deadline or a budget; it can be resumed
BUSY = 5  # another process drives the sweep; nothing was changed
UNFORESEEN = 70  # a bug; the message names the file with the traceback
INTERRUPTED = 130
TERMINATED = 143

_LONGEST_WORD = 400
"""Characters of a word in an error message; longer ones are cut."""


def _warned(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    """Warn of a password on the command line: every user of the machine sees it there."""
    if url and holds_password(url):
        click.echo(
            "warning: `ps` shows the password of --db to every user of this machine: put the URL "
            "into $SEARCHCTL_DB_URL instead",
            err=True,
        )
    return url


sweep_argument = click.argument("sweep", metavar="SWEEP")
"""The name of a stored sweep."""
sweep_file_argument = click.argument(
    "sweep_file", metavar="SWEEP.YAML", type=click.Path(path_type=Path)
)
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
    help="Directory of the data set on this machine; replaces data.root.",
)


class CommandGroup(click.Group):
    """A group whose help lists each command with a whole sentence; click would cut it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list into the help."""
        rows = [(name, each.get_short_help_str(1000)) for name, each in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows))


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, default=str))


def print_errors(messages: Sequence[str]) -> None:
    """Print each message as an error, and how many there are if there are several."""
    for message in messages:
        click.echo(f"error: {_shown(message)}", err=True)
    if len(messages) > 1:
        click.echo(counted(len(messages), "error"), err=True)


def _shown(message: str) -> str:
    """Return a message whose words are cut, and whose control characters are escaped.

    It may quote a file: a name of 60,000 characters, or one that commands the terminal.
    """
    short = re.sub(rf"(\S{{{_LONGEST_WORD}}})\S+", r"\1...", message)
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", _escaped, short)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def messages_of(error: Exception) -> Sequence[str]:
    """Return what an error of ours has found; one message for any other error."""
    return getattr(error, "messages", None) or [str(error)]
