"""The command that adds trials to a stored sweep."""

from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.common import sweep_argument
from searchctl.orchestrator.cli.drive.cluster import refuse_inline_elsewhere
from searchctl.orchestrator.cli.drive.driver_options import driver_options, stored_option
from searchctl.orchestrator.cli.drive.run import resume
from searchctl.orchestrator.cli.views.view import open_sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from searchctl.orchestrator.storage.writes.cohorts import NewCohort


@click.command("extend")
@sweep_argument
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    metavar="N",
    help="Trials of each new cohort; without it, as many as the last cohort has.",
)
@click.option(
    "--cohorts",
    type=click.IntRange(min=1, max=1000),
    metavar="K",
    help="Number of new cohorts; without it, one.",
)
@stored_option
@driver_options
@click.pass_context
def extend_command(
    context: click.Context,
    /,
    sweep: str,
    trials: int | None,
    cohorts: int | None,
    db: str | None,
    inline: bool,
    address: str | None,
    detach: bool,
    **others: object,
) -> None:
    """Add trials to a sweep, whether it has ended or not, and run it to its end.

    \b
    The new trials are a cohort of their own, or several, each with its own ladder. No decision on
    an earlier trial changes. Finalists of all cohorts are ranked by their score on all of the
    data. A running sweep has to be stopped first. Options and exit codes are those of `resume`,
    which continues an extended sweep that was stopped.
    Example: searchctl extend quickstart --trials 36
    """
    from searchctl.orchestrator.run.additions.extend import Extension, extend

    refuse_inline_elsewhere(inline=inline, address=address, detach=detach)
    if trials is None and cohorts is None:
        raise click.UsageError(f"say by how much: `searchctl extend {sweep} --trials 36`")
    engine, row = open_sweep(sweep, db)
    for line in _lines(extend(engine, row, Extension(trials, cohorts or 1))):
        click.echo(line)
    run = {"sweep": sweep, "db": db, "inline": inline, "address": address, "detach": detach}
    context.invoke(resume, **run, **others)


def _lines(cohorts: "Sequence[NewCohort]") -> list[str]:
    """Say what each new cohort is."""
    return [
        f"cohort {cohort.number}: {cohort.trials} trials, "
        + " -> ".join(f"{rung['trials']} on {rung['images']} images" for rung in cohort.ladder)
        for cohort in cohorts
    ]
