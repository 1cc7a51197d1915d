"""Launch and resume with a driver on a cluster: submit it, then follow it or detach."""

import sys
import time
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.common import INTERRUPTED
from searchctl.orchestrator.core.cluster_address import (
    FORMS,
    checked_address,
    is_remote,
    submission,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from searchctl.orchestrator.cluster.submitted import SubmittedDriver
    from searchctl.orchestrator.core.signals import StopSwitch
    from searchctl.orchestrator.storage.rows import SweepRow

DETACHED_WITHIN_S = 60.0
"""How long `--detach` waits for the driver to start working; decoding images may take longer."""


def _address(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    try:
        return None if text is None else checked_address(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


address_option = click.option(
    "--address",
    metavar="ADDR",
    callback=_address,
    help=f"Ray cluster: {FORMS}; replaces resources.address.",
)
detach_option = click.option(
    "--detach",
    is_flag=True,
    help="Submit the driver to the cluster as a job, and return once it works.",
)


def refuse_inline_elsewhere(*, inline: bool, address: str | None, detach: bool) -> None:
    """Refuse options that exclude each other."""
    if inline and (detach or address):
        raise click.UsageError("--inline runs the jobs in this process: no --address or --detach")


def submits_to(address: str | None, *, detach: bool, inline: bool) -> str | None:
    """Return the cluster to submit the driver to; None if the driver runs here.

    Raises:
        click.UsageError: a detached driver was requested without a cluster.
    """
    if submission() or inline:
        return None
    if detach and address in (None, "local"):
        raise click.UsageError(
            "--detach needs a Ray cluster for the driver: give its --address, or set "
            "resources.address. On one machine, `ray start --head` starts one (--address auto), or "
            "`nohup searchctl launch sweep.yaml &` runs the driver in the background"
        )
    return address if address and (detach or is_remote(address)) else None


def attach(
    driver: "SubmittedDriver", db_option: str, stopping: "StopSwitch", *, detach: bool
) -> "tuple[Engine, SweepRow] | None":
    """Wait until a submitted driver works; return its sweep, to be followed.

    Returns:
        None if the driver is detached, so that no command follows the sweep.

    Raises:
        DriverEnded: the driver ended before it had stored the sweep.
    """
    stopping.first = "leaving; the driver continues"
    until = time.monotonic() + DETACHED_WITHIN_S
    job, name = driver.submission.job, driver.submission.sweep

    def give_up() -> bool:
        return stopping() or (detach and time.monotonic() > until)

    row = driver.wait(_say, give_up)
    if row is None and stopping():
        click.echo(f"left '{name}', which continues as job {job}", err=True)
        sys.exit(stopping.exit_code or INTERRUPTED)
    if row is not None and not detach:
        return driver.engine, row
    work = f"sweep {row.id}, '{name}', is driven by" if row else f"'{name}' is being prepared by"
    click.echo(f"{work} job {job} of {driver.submission.address}")
    click.echo(_commands(name, db_option, stored=row is not None))
    return None


def _say(line: str) -> None:
    click.echo(line, err=True)


def _commands(name: str, db_option: str, *, stored: bool) -> str:
    """Return the next commands, for any machine that reaches the database."""
    followed = {
        f"searchctl status {name}": "its progress",
        f"searchctl watch {name}": "follow it; Ctrl-C ends only the watching",
        f"searchctl logs {name} -f": "its events, line by line",
    }
    commands = {
        **(followed if stored else {}),
        f"searchctl logs {name} --driver -f": "the output of its driver",
        f"searchctl stop {name}": "stop it; nothing is lost",
        f"searchctl resume {name} --detach": "resume it",
    }
    lines = {f"{command}{db_option}": what for command, what in commands.items()}
    width = max(map(len, lines))
    return "\n".join(f"  {command:<{width}}  {what}" for command, what in lines.items())
