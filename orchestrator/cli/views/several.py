"""Views over several sweeps of a database: `compare SWEEP SWEEP...` and `status --all`."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.common import print_json
from searchctl.orchestrator.config.locations import database_url

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from searchctl.orchestrator.storage.rows import SweepRow


def compare_named(names: Sequence[str], db: str | None, *, as_json: bool) -> None:
    """Print several sweeps side by side."""
    from searchctl.orchestrator.analysis.compared_sweeps import compare_sweeps
    from searchctl.orchestrator.storage.database import open_database
    from searchctl.orchestrator.storage.reads.queries import find_sweep
    from searchctl.orchestrator.terminal.display import show
    from searchctl.orchestrator.terminal.trials.compare_sweeps import sweep_tables

    distinct = list(dict.fromkeys(names))
    if len(distinct) < 2:
        raise click.UsageError("name two different sweeps or more: `searchctl compare SWEEP OTHER`")
    engine = open_database(database_url(db))
    rows = [find_sweep(engine, name) for name in distinct]
    found = compare_sweeps(engine, rows)
    if as_json:
        print_json(found.to_json())
        return
    for part in sweep_tables(found):
        show(part)
    for row in rows:
        show_accepted(engine, row, f"{row.name}: ")


def show_accepted(engine: "Engine", row: "SweepRow", before: str = "") -> None:
    """Print what resumes of a sweep accepted, each with some words before it."""
    from searchctl.orchestrator.facts.accepted_changes import accepted_changes
    from searchctl.orchestrator.storage.reads.queries import events
    from searchctl.orchestrator.terminal.display import show

    for line in accepted_changes(events(engine, row)):
        show("")
        show(before + line)


def print_usage(db: str | None, *, as_json: bool) -> None:
    """Print what the unfinished sweeps of a database hold and wait for."""
    from searchctl.orchestrator.cli.views.view import without_dead_driver
    from searchctl.orchestrator.facts.running.usage import usage_of
    from searchctl.orchestrator.facts.text import local_time
    from searchctl.orchestrator.storage.database import open_database
    from searchctl.orchestrator.storage.reads.queries import list_sweeps
    from searchctl.orchestrator.storage.reads.usage import jobs_of_driven_sweeps
    from searchctl.orchestrator.terminal.display import plain_table, show

    engine = open_database(database_url(db))
    rows = [without_dead_driver(row) for row in list_sweeps(engine)]
    found = usage_of(rows, jobs_of_driven_sweeps(engine))
    if as_json:
        print_json([each.to_json() for each in found])
        return
    if not found:
        show("No sweep of this database is unfinished.")
        return
    left = ["sweep", "state", "driver", "cluster", "nodes"]
    numbers = ["jobs", "GPUs", "CPUs", "limit", "oldest job"]
    table = plain_table(*left[:4], *numbers, left[4], left=left)
    for each in found:
        table.add_row(
            each.sweep,
            each.state,
            each.driver or "-",
            each.cluster,
            str(each.jobs),
            f"{each.gpus:.4g}",
            f"{each.cpus:.4g}",
            str(each.most or "-"),
            local_time(each.oldest) if each.oldest else "-",
            ", ".join(each.nodes) or "-",
        )
    show(table)
    for each in found:
        if each.waits:
            at = each.waits_since
            since = f", since {local_time(datetime.fromisoformat(at))}" if at else ""
            show(f"{each.sweep}: {each.waits}{since}")
