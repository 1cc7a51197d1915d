"""Commands that follow a sweep in the database, from any machine: watch, logs."""

import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.common import (
    INTERRUPTED,
    NO_ANSWER,
    STOPPED,
    db_option,
    json_option,
    sweep_argument,
)
from searchctl.orchestrator.cli.drive.cluster import address_option
from searchctl.orchestrator.cli.views.view import (
    open_sweep,
    pending_lines,
    print_status,
    state_line,
    without_dead_driver,
)
from searchctl.orchestrator.config.locations import database_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from searchctl.orchestrator.facts.running.progress import Progress
    from searchctl.orchestrator.storage.reads.changes import Change
    from searchctl.orchestrator.storage.rows import SweepRow

EXIT_CODES = {"COMPLETE": 0, "FAIL": NO_ANSWER, "STOPPED": STOPPED, "INTERRUPTED": STOPPED}
"""Exit codes of `watch` by the state of the sweep; those of `launch` where the two agree."""


@click.command()
@sweep_argument
@db_option
def watch(sweep: str, db: str | None) -> None:
    """Follow a sweep until it ends, wherever it runs; Ctrl-C ends only the watching.

    \b
    Shows what `launch` shows: a live table on a terminal, lines elsewhere. Exit code 0 if the
    sweep is complete, 3 if no trial has a score, 4 if it was stopped or its driver died.
    Example: searchctl watch quickstart --db postgresql+psycopg://host/sweeps
    """
    row = _watched(*open_sweep(sweep, db))
    sys.exit(EXIT_CODES[row.shown_state])


def watch_to_the_answer(engine: "Engine", row: "SweepRow", url: str) -> None:
    """Show a sweep until it ends, print its answer, and exit: what `launch` shows of a cluster."""
    from searchctl.orchestrator.terminal.answer import answer
    from searchctl.orchestrator.terminal.display import show

    row = _watched(engine, row)
    if row.state == "COMPLETE":
        for part in answer(engine, row, url):
            show(part)
    sys.exit(EXIT_CODES[row.shown_state])


def _watched(engine: "Engine", row: "SweepRow") -> "SweepRow":
    """Show a sweep until it ends, then its status; return its final row."""
    from searchctl.orchestrator.terminal.display import plain_console
    from searchctl.orchestrator.terminal.live import LiveDisplay, PlainDisplay

    seen, console = _Sweep(engine, row), plain_console()
    running, live = row.shown_state in ("RUNNING", "INTERRUPTED"), console.is_terminal
    if running:
        if not live and row.shown_state == "RUNNING":  # else the status printed below is enough
            print_status(engine, row)
        drawn = partial(LiveDisplay, console, seen.notice)
        try:
            row = _watch(seen, drawn if live else partial(PlainDisplay, console))
        except KeyboardInterrupt:
            click.echo(f"left '{row.name}', which continues", err=True)
            sys.exit(INTERRUPTED)
    print_status(engine, row, ladder=not (running and live))
    return row


@click.command()
@sweep_argument
@click.option("-f", "--follow", is_flag=True, help="Follow until the sweep ends.")
@click.option("--trial", type=int, metavar="N", help="Print the changes of this trial only.")
@click.option("--printed", is_flag=True, help="Print what the scripts of --trial printed.")
@click.option(
    "--driver",
    is_flag=True,
    help="Print the output of its driver, if that was submitted to a cluster.",
)
@address_option
@db_option
@json_option
def logs(
    sweep: str,
    follow: bool,
    trial: int | None,
    printed: bool,
    driver: bool,
    address: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Print the events of a sweep from the database: attempts, epochs, decisions and others.

    \b
    Times are local. An epoch's time is the start of its attempt plus the seconds of its epochs.
    With --json, each line is an object, whose `what` is began, epoch, ended, verdict or event.
    With --printed and --trial, what a script of your own printed, attempt by attempt.
    With --driver, the output of the newest driver is read from its cluster. --address names that
    cluster, if it is reached by another address than the one it was submitted to.
    Example: searchctl logs quickstart -f --trial 7
    """
    if driver:
        if trial is not None or as_json:
            raise click.UsageError("--driver prints the driver's output: no --trial or --json")
        _print_driver(sweep, db, address, follow=follow)
        return
    if printed:
        if trial is None or follow or as_json:
            raise click.UsageError("--printed prints files of one trial: add --trial N alone")
        _print_scripts(sweep, db, trial)
        return
    if address is not None:
        raise click.UsageError("--address names the driver's cluster: it needs --driver")
    _print_changes(sweep, db, trial, follow=follow, as_json=as_json)


def _print_changes(
    sweep: str, db: str | None, trial: int | None, *, follow: bool, as_json: bool
) -> None:
    from searchctl.orchestrator.storage.reads.changes import ChangeFeed
    from searchctl.orchestrator.storage.scores import shown_score
    from searchctl.orchestrator.terminal.log_lines import LogLines, json_lines
    from searchctl.orchestrator.terminal.trials.trial import known_trials

    engine, row = open_sweep(sweep, db)
    if trial is not None:
        known_trials(engine, row, [trial])
    lines = LogLines(shown_score(row.spec), of_one_trial=trial is not None)
    feed, write = ChangeFeed(engine, row, trial), json_lines if as_json else lines

    def take(changes: "list[Change]") -> None:
        click.echo("".join(f"{line}\n" for line in write(changes)), nl=False)

    if not follow:
        take(feed.read())
        return
    from searchctl.orchestrator.terminal.watch import follow as take_until_the_end

    def say_down(why: str) -> None:
        click.echo(f"the database does not answer ({why})", err=True)

    def say_up() -> None:
        click.echo("the database answers again", err=True)

    with suppress(KeyboardInterrupt):
        take_until_the_end(_Sweep(engine, row).read, feed, take, say_down, say_up)


def _print_scripts(sweep: str, db: str | None, trial: int) -> None:
    from searchctl.orchestrator.artifacts.script_output import script_output
    from searchctl.orchestrator.terminal.trials.trial import known_trials

    engine, row = open_sweep(sweep, db)
    known_trials(engine, row, [trial])
    for title, text in script_output(engine, row, trial):
        click.echo(f"== {title}")
        click.echo(text, nl=not text.endswith("\n"))


def _print_driver(sweep: str, db: str | None, address: str | None, *, follow: bool) -> None:
    from searchctl.orchestrator.cluster.submitted import printed_by_driver

    with suppress(KeyboardInterrupt):
        for text in printed_by_driver(sweep, database_url(db), address, follow=follow):
            click.echo(text, nl=False)


class _Sweep:
    """A sweep as it was at the last read."""

    def __init__(self, engine: "Engine", row: "SweepRow") -> None:
        self.engine = engine
        self.row = row

    def read(self) -> "SweepRow":
        """Read its row again."""
        from searchctl.orchestrator.storage.reads.queries import find_sweep

        self.row = without_dead_driver(find_sweep(self.engine, self.row.name))
        return self.row

    def notice(self) -> str | None:
        """Return its driver and what its jobs wait for, while it runs."""
        if self.row.state != "RUNNING":
            return None
        return "\n".join([f"{self.row.name} {state_line(self.row)}", *pending_lines(self.row)])


def _watch(sweep: _Sweep, display: "Callable[..., Progress]") -> "SweepRow":
    """Show a sweep as its driver does, until it ends; return its final row."""
    from searchctl.orchestrator.facts.cohorts import all_rungs
    from searchctl.orchestrator.facts.running.final_scoring import final_scoring_of
    from searchctl.orchestrator.facts.running.work import work_of
    from searchctl.orchestrator.halving.follow_up import follow_up_settings
    from searchctl.orchestrator.storage.reads import queries
    from searchctl.orchestrator.storage.reads.changes import ChangeFeed
    from searchctl.orchestrator.terminal.watch import follow, plan_of, replay, snapshot

    engine, row = sweep.engine, sweep.row
    # the feed starts before the snapshot: a change in between is shown twice, but never lost
    feed = ChangeFeed.from_now(engine, row)
    started = snapshot(engine, row)
    plan = plan_of(engine, row)
    options = {"run_totals": started.run_totals, "asked": follow_up_settings(row.spec)}
    rungs = all_rungs(queries.cohorts(engine, row))
    options |= {"work": work_of(plan), "scoring": final_scoring_of(engine, row)}
    with display(rungs, row.direction, plan.epochs, started.done, **options) as shown:
        take = partial(replay, shown)
        return follow(sweep.read, feed, take, shown.database_down, shown.database_up)
