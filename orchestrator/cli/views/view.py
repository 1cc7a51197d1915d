"""Commands that view stored sweeps: list, status, show, compare."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from searchctl.orchestrator.cli.common import db_option, json_option, print_json, sweep_argument
from searchctl.orchestrator.cli.views.several import compare_named, print_usage, show_accepted
from searchctl.orchestrator.config.locations import database_url

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from searchctl.orchestrator.storage.rows import SweepRow


@click.command("list")
@db_option
@json_option
def list_command(db: str | None, as_json: bool) -> None:
    """List the sweeps of a database, the newest first; times are local.

    \b
    Example: searchctl list
    """
    from searchctl.orchestrator.facts.text import local_time
    from searchctl.orchestrator.storage.database import open_database
    from searchctl.orchestrator.storage.reads import queries
    from searchctl.orchestrator.terminal.display import plain_table, show

    engine = open_database(database_url(db))
    rows = [without_dead_driver(row) for row in queries.list_sweeps(engine)]
    if as_json:
        print_json([_summary(row) for row in rows])
        return
    table = plain_table("sweep", "state", "trials", "launched", left=["sweep", "state"])
    for row in rows:
        trials = str(row.trials) + f" in {row.cohorts}" * (row.cohorts > 1)
        table.add_row(row.name, row.shown_state, trials, local_time(row.created_at))
    show(table)


@click.command()
@click.argument("sweep", metavar="SWEEP", required=False)
@click.option(
    "--all",
    "of_all",
    is_flag=True,
    help="Show all unfinished sweeps of the database: what they hold and wait for.",
)
@db_option
@json_option
def status(sweep: str | None, of_all: bool, db: str | None, as_json: bool) -> None:
    """Show the progress of a sweep: jobs by rung, the best score so far, and the best trials.

    \b
    With --all instead of a sweep: which sweeps are being driven, how many GPUs and CPUs their
    running jobs hold on which nodes, and what their pending jobs wait for, since when.
    Example: searchctl status quickstart
    """
    if of_all and sweep is not None:
        raise click.UsageError("SWEEP and --all exclude each other")
    if not of_all and sweep is None:
        raise click.UsageError("name a sweep, or give --all")
    if sweep is None:
        print_usage(db, as_json=as_json)
        return
    engine, row = open_sweep(sweep, db)
    print_status(engine, row, as_json=as_json)


@click.command("show")
@sweep_argument
@click.argument("trial", type=int)
@db_option
@json_option
def show_command(sweep: str, trial: int, db: str | None, as_json: bool) -> None:
    """Show one trial: its params, its score and decision at each rung, classes, epochs, attempts.

    \b
    Example: searchctl show quickstart 7
    """
    from searchctl.orchestrator.terminal.display import show
    from searchctl.orchestrator.terminal.trials.trial import trial_facts, trial_tables

    engine, row = open_sweep(sweep, db)
    facts = trial_facts(engine, row, trial)
    if as_json:
        print_json(facts)
        return
    for part in trial_tables(facts):
        show(part)
    if any(decision["verdict"] == "complete" for decision in facts["decisions"]):
        from searchctl.orchestrator.terminal.answer import certainty_lines
        from searchctl.orchestrator.terminal.trials.explain import paragraph

        for line in certainty_lines(engine, row):
            show("")
            show(paragraph(line))


@click.command()
@sweep_argument
@click.argument("others", metavar="TRIAL TRIAL... | SWEEP...", nargs=-1, required=True)
@db_option
@json_option
def compare(sweep: str, others: tuple[str, ...], db: str | None, as_json: bool) -> None:
    """Compare trials of a sweep, or several sweeps.

    \b
    With numbers: params that differ, scores by rung, IoU per class, and cost. Classes are
    compared at the highest rung where all these trials have a score.
    With names of sweeps: the best trial of each, its score beside the seed's noise, the cost, and
    the settings that differ. What makes scores incomparable is named: other data, another score,
    other validation.
    Example: searchctl compare quickstart 7 3
    """
    if not all(each.isdecimal() for each in others):
        compare_named([sweep, *others], db, as_json=as_json)
        return
    trials = [int(each) for each in others]
    from searchctl.orchestrator.terminal.display import show
    from searchctl.orchestrator.terminal.trials.compare import comparison, comparison_tables

    distinct = list(dict.fromkeys(trials))
    if len(distinct) < 2:
        raise click.UsageError("name two different trials or more: `searchctl compare SWEEP 7 3`")
    engine, row = open_sweep(sweep, db)
    facts = comparison(engine, row, distinct)
    if as_json:
        print_json(facts)
        return
    for part in comparison_tables(facts):
        show(part)
    show_accepted(engine, row)


def print_status(
    engine: "Engine", row: "SweepRow", *, as_json: bool = False, ladder: bool = True
) -> None:
    """Print the progress of a sweep; without its ladder if that is on the screen already."""
    from searchctl.orchestrator.facts.accepted_changes import accepted_changes
    from searchctl.orchestrator.facts.cohorts import all_rungs, cohort_facts
    from searchctl.orchestrator.facts.limits import exceeding_best
    from searchctl.orchestrator.facts.running.pending import barrier_line
    from searchctl.orchestrator.facts.sweeps import (
        JobState,
        after_line,
        after_views,
        more_trials,
        rung_views,
    )
    from searchctl.orchestrator.halving.follow_up import follow_up_settings
    from searchctl.orchestrator.storage.reads import queries
    from searchctl.orchestrator.storage.reads.snapshot import count_jobs
    from searchctl.orchestrator.storage.scores import shown_score
    from searchctl.orchestrator.terminal.display import answer_table, heading, rung_table, show
    from searchctl.orchestrator.terminal.trials.explain import paragraph

    counts = [
        JobState(c.rung, c.state, c.score, c.jobs, c.kind, c.cohort)
        for c in count_jobs(engine, row)
    ]
    cohorts = queries.cohorts(engine, row)
    rungs = rung_views(all_rungs(cohorts), counts, row.direction)
    after = after_views(rungs, follow_up_settings(row.spec), counts)
    best = _ranked(engine, row)
    barrier = barrier_line(rungs) if row.shown_state == "RUNNING" else None
    waits = [*pending_lines(row, engine), *([barrier] if barrier else [])]
    accepted = [*accepted_changes(queries.events(engine, row))]
    if as_json:
        views = [{**vars(view), "left": view.left} for view in rungs]
        jobs_after = [vars(view) for view in after]
        facts = {"rungs": views, "after": jobs_after, "waits": waits, "accepted": accepted}
        facts["best"] = best
        print_json({**_summary(row), "drawn": cohort_facts(cohorts), **facts})
        return
    show(heading(row.name, f" {state_line(row)}"))
    if ladder:
        show(rung_table(rungs))
        if after:
            show(after_line(after))
    for line in (*waits, *accepted):
        show(line)
    if best:
        show("")
        show(answer_table(best, shown_score(row.spec)))
        if line := exceeding_best(engine, row):
            show(paragraph(line, style="yellow"))
        for line in more_trials(row.name, row.trials - len(best)):
            show(line)


def open_sweep(sweep: str, db: str | None) -> "tuple[Engine, SweepRow]":
    """Open the database and find the sweep in it."""
    from searchctl.orchestrator.storage.database import open_database
    from searchctl.orchestrator.storage.reads.queries import find_sweep

    engine = open_database(database_url(db))
    return engine, without_dead_driver(find_sweep(engine, sweep))


def without_dead_driver(row: "SweepRow") -> "SweepRow":
    """Return the row without a driver that died on this machine: its lease may still be valid."""
    from dataclasses import replace

    from searchctl.orchestrator.core.processes import is_dead

    return replace(row, driver=None) if row.driver and is_dead(row.driver) else row


def state_line(row: "SweepRow") -> str:
    """Return the state of a sweep, with its reason or its driver."""
    return f"{row.shown_state}{_why(row)}"


def pending_lines(row: "SweepRow", engine: "Engine | None" = None) -> list[str]:
    """Return what a sweep's jobs wait for in its cluster; with an engine, whose jobs run there."""
    from searchctl.orchestrator.core.pending import Waiting
    from searchctl.orchestrator.facts.running.pending import room_line
    from searchctl.orchestrator.storage.reads.snapshot import running_jobs

    if row.driver is None or row.waiting is None:
        return []
    users = running_jobs(engine) if engine is not None else {}
    return [room_line(Waiting.from_json(row.waiting), users)]


def _why(row: "SweepRow") -> str:
    if row.shown_state == "INTERRUPTED":
        return f": its driver is gone, run `searchctl resume {row.name}`"
    if row.driver is not None:
        return f", driven by {row.driver}" + (", stop requested" * (row.desired_state == "STOPPED"))
    return f": {row.error}" if row.error else ""


def _summary(row: "SweepRow") -> dict[str, Any]:
    names = ("name", "direction", "created_at", "ended_at", "error", "driver", "trials", "cohorts")
    facts = {name: getattr(row, name) for name in names}
    return {**facts, "state": row.shown_state}


def _ranked(engine: "Engine", row: "SweepRow") -> list[dict[str, Any]]:
    from searchctl.orchestrator.core.errors import SearchctlError
    from searchctl.orchestrator.facts.ranking import rank_trials

    try:
        return [asdict(each) for each in rank_trials(engine, row, 5)]
    except SearchctlError:
        return []
