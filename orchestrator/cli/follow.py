"""Commands that follow a sweep in the database, from any machine: watch, logs."""

import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.cluster import address_option
from searchctl.orchestrator.cli.common import (
    INTERRUPTED,
    NO_ANSWER,
    STOPPED,
    db_option,
    json_option,
)
from searchctl.orchestrator.cli.look import (
    open_sweep,
    print_status,
    room_waits,
    seen_from_here,
    state_words,
    sweep_name,
)
from searchctl.orchestrator.config.locations import database_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from searchctl.orchestrator.facts.progress import Progress
    from searchctl.orchestrator.storage.reads.changes import Change
    from searchctl.orchestrator.storage.rows import SweepRow

EXIT_CODES = {"COMPLETE": 0, "FAIL": NO_ANSWER, "STOPPED": STOPPED, "INTERRUPTED": STOPPED}
"""How `watch` ends by how the sweep did; as `launch` does, where the two have the same end."""


@click.command()
@sweep_name
@db_option
def watch(sweep: str, db: str | None) -> None:
    """Follow a sweep that runs anywhere, until it ends; Ctrl-C leaves, and the sweep goes on.

    \b
    Shows what `launch` shows: a live table on a terminal, lines elsewhere. Exit code 0 when
    the sweep is complete, 3 if no trial has a score, 4 if it was stopped or its driver died.
    Example: searchctl watch quickstart --db postgresql+psycopg://host/sweeps
    """
    row = _watched(*open_sweep(sweep, db))
    sys.exit(EXIT_CODES[row.shown_state])


def watch_to_the_answer(engine: "Engine", row: "SweepRow", url: str) -> None:
    """Show a sweep until it ends, as the one who launched it wants to see it, and leave."""
    from searchctl.orchestrator.terminal.answer import answer
    from searchctl.orchestrator.terminal.display import show

    row = _watched(engine, row)
    if row.state == "COMPLETE":
        for part in answer(engine, row, url):
            show(part)
    sys.exit(EXIT_CODES[row.shown_state])


def _watched(engine: "Engine", row: "SweepRow") -> "SweepRow":
    """Show a sweep until it ends, and then how it stands; return it as it is then."""
    from searchctl.orchestrator.terminal.display import plain_console
    from searchctl.orchestrator.terminal.live import LiveDisplay, PlainDisplay

    seen, console = _Sweep(engine, row), plain_console()
    running, live = row.shown_state in ("RUNNING", "INTERRUPTED"), console.is_terminal
    if running:
        if not live and row.shown_state == "RUNNING":  # else it is at its end, and shown below
            print_status(engine, row)
        drawn = partial(LiveDisplay, console, seen.notice)
        try:
            row = _watch(seen, drawn if live else partial(PlainDisplay, console))
        except KeyboardInterrupt:
            click.echo(f"left '{row.name}', which goes on", err=True)
            sys.exit(INTERRUPTED)
    print_status(engine, row, ladder=not (running and live))
    return row


@click.command()
@sweep_name
@click.option("-f", "--follow", is_flag=True, help="Go on until the sweep ends.")
@click.option("--trial", type=int, metavar="N", help="Only what concerns this trial.")
@click.option(
    "--driver", is_flag=True, help="What its driver prints, if it was submitted to a cluster."
)
@address_option
@db_option
@json_option
def logs(
    sweep: str,
    follow: bool,
    trial: int | None,
    driver: bool,
    address: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Print what happened to a sweep: attempts, epochs, decisions and events, from the database.

    \b
    An epoch's time is that of its attempt's start plus what the epochs have taken. With
    --json, each line is an object of its own; `what` in it is began, epoch, ended, decision
    or event. With --driver, the newest driver's own output, from its cluster; --address says
    where that is reached from here, if not where it was submitted to.
    Example: searchctl logs quickstart -f --trial 7
    """
    if driver:
        if trial is not None or as_json:
            raise click.UsageError("--driver prints the driver's words: no --trial or --json")
        _print_driver(sweep, db, address, follow=follow)
        return
    if address is not None:
        raise click.UsageError("--address says where the cluster is: it needs --driver")
    from searchctl.orchestrator.facts.sweeps import shown_score
    from searchctl.orchestrator.storage.reads.changes import ChangeFeed
    from searchctl.orchestrator.terminal.log_lines import LogLines, json_lines
    from searchctl.orchestrator.terminal.trial import known_trials

    engine, row = open_sweep(sweep, db)
    if trial is not None:
        known_trials(engine, row, [trial])
    lines = LogLines(shown_score(row.spec), of_one_trial=trial is not None)
    news, write = ChangeFeed(engine, row, trial), json_lines if as_json else lines

    def take(changes: "list[Change]") -> None:
        click.echo("".join(f"{line}\n" for line in write(changes)), nl=False)

    if not follow:
        take(news.read())
        return
    from searchctl.orchestrator.terminal.watch import follow as take_until_the_end

    def say_down(why: str) -> None:
        click.echo(f"the database does not answer ({why})", err=True)

    def say_up() -> None:
        click.echo("the database answers again", err=True)

    with suppress(KeyboardInterrupt):
        take_until_the_end(_Sweep(engine, row).look, news, take, say_down, say_up)


def _print_driver(sweep: str, db: str | None, address: str | None, *, follow: bool) -> None:
    from searchctl.orchestrator.cluster.submitted import printed_by_driver

    with suppress(KeyboardInterrupt):
        for text in printed_by_driver(sweep, database_url(db), address, follow=follow):
            click.echo(text, nl=False)


class _Sweep:
    """A sweep as it was when one last looked."""

    def __init__(self, engine: "Engine", row: "SweepRow") -> None:
        self.engine = engine
        self.row = row

    def look(self) -> "SweepRow":
        """Look again."""
        from searchctl.orchestrator.storage.reads.queries import find_sweep

        self.row = seen_from_here(find_sweep(self.engine, self.row.name))
        return self.row

    def notice(self) -> str | None:
        """Say who drives it and what its jobs wait for, while it goes on."""
        if self.row.state != "RUNNING":
            return None
        return "\n".join([f"{self.row.name} {state_words(self.row)}", *room_waits(self.row)])


def _watch(sweep: _Sweep, display: "Callable[..., Progress]") -> "SweepRow":
    """Show a sweep as its driver does, until it ends; return how it ended."""
    from searchctl.orchestrator.halving.follow_up import follow_up_settings
    from searchctl.orchestrator.storage.reads.changes import ChangeFeed
    from searchctl.orchestrator.terminal.watch import follow, most_epochs, snapshot, tell

    engine, row = sweep.engine, sweep.row
    news = ChangeFeed.from_now(
        engine, row
    )  # before the standing: what happens in between is told twice
    started = snapshot(engine, row)
    epochs = most_epochs(row)
    options = {"so_far": started.run_totals, "asked": follow_up_settings(row.spec)}
    with display(row.ladder, row.direction, epochs, started.done, **options) as shown:
        take = partial(tell, shown)
        return follow(sweep.look, news, take, shown.database_down, shown.database_up)
