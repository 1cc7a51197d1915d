"""Commands that start and end the run of a sweep: launch, resume, stop."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from searchctl.orchestrator.cli.before.files import read
from searchctl.orchestrator.cli.before.plan import probed_first
from searchctl.orchestrator.cli.common import (
    data_root_option,
    db_option,
    sweep_argument,
    sweep_file_argument,
)
from searchctl.orchestrator.cli.drive.cluster import (
    address_option,
    attach,
    detach_option,
    refuse_inline_elsewhere,
    submits_to,
)
from searchctl.orchestrator.cli.drive.driver_options import (
    budgeted,
    deadline_option,
    driver_options,
    gpu_hours_option,
    inline_option,
    stored_option,
)
from searchctl.orchestrator.cli.drive.driving import drive
from searchctl.orchestrator.cli.drive.retry import entered_again
from searchctl.orchestrator.cli.views.follow import watch_to_the_answer
from searchctl.orchestrator.cli.views.view import open_sweep
from searchctl.orchestrator.config.locations import database_url, db_option_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from searchctl.orchestrator.config.sweep import Sweep
    from searchctl.orchestrator.run.preparation.prepare import Prepared
    from searchctl.orchestrator.storage.rows import SweepRow
    from searchctl.trainer.data.cache.store import OnProgress


def _changed(name: str | None, values: tuple[str, ...]) -> dict[str, str]:
    """Return the settings of --name and --set by their paths."""
    if values and not name:
        raise click.UsageError(
            "--set needs --name: with other settings it is another sweep than the file's"
        )
    changes: dict[str, str] = {"name": f'"{name}"'} if name else {}
    for each in values:
        path, equals, value = each.partition("=")
        if not equals or not path:
            raise click.BadParameter(f"'{each}': write PATH=VALUE, e.g. training.epochs=5")
        changes[path.strip()] = value
    return changes


@click.command()
@sweep_file_argument
@click.option("--name", metavar="NAME", help="Name of the sweep, in place of the file's.")
@click.option(
    "--set",
    "values",
    metavar="PATH=VALUE",
    multiple=True,
    help="A setting in place of the file's, e.g. training.epochs=5; repeat it for others.",
)
@db_option
@data_root_option
@inline_option
@click.option(
    "--probe",
    is_flag=True,
    help="First measure the speed of the configurations, as `searchctl plan --probe` does.",
)
@click.option(
    "--no-reuse",
    is_flag=True,
    help="Train every job, also those that a sweep of this database has trained before.",
)
@deadline_option
@gpu_hours_option
@address_option
@detach_option
def launch(
    sweep_file: Path,
    name: str | None,
    values: tuple[str, ...],
    db: str | None,
    data_root: str | None,
    inline: bool,
    probe: bool,
    no_reuse: bool,
    deadline: str | None,
    gpu_hours: float | None,
    address: str | None,
    detach: bool,
) -> None:
    """Run a sweep to its end: print the ladder, show the trials, print the winner.

    \b
    Ctrl-C stops the sweep, a second Ctrl-C at once; `searchctl resume SWEEP` continues it. Exit
    code 0 with a winner, 3 if no trial has a score, 4 if `searchctl stop`, a deadline or a budget
    ended it, 130 or 143 if a signal did. At a ray:// or http:// address the driver runs on the
    cluster, and this command only watches it: Ctrl-C does not stop the sweep.
    Example: searchctl launch sweep.yaml --deadline 8h
    """
    from searchctl.orchestrator.core.signals import StopSwitch

    refuse_inline_elsewhere(inline=inline, address=address, detach=detach)
    followed = None
    with StopSwitch() as stopping:
        sweep = read(sweep_file, data_root, _changed(name, values))
        sweep = budgeted(sweep, deadline, gpu_hours)
        if no_reuse:
            storage = sweep.storage.model_copy(update={"reuse": False})
            sweep = sweep.model_copy(update={"storage": storage})
        from searchctl.orchestrator.core.cluster_address import source_of
        from searchctl.orchestrator.run.preparation.prepare import at_address, prepare

        sweep, source = at_address(sweep, address), source_of(sweep_file)
        url = database_url(db, sweep.storage.database_url())
        if cluster := submits_to(sweep.resources.address, detach=detach, inline=inline):
            from searchctl.orchestrator.cluster.detached import submit_launch

            driver = submit_launch(sweep, url, cluster, source, db=db, probe=probe)
            followed = attach(driver, db_option_for(url), stopping, detach=detach)
        else:

            def prepared(tell: "OnProgress") -> "Prepared":
                store = partial(prepare, sweep, url, source, tell, inline=inline)
                return probed_first(sweep, source, store, inline=inline) if probe else store()

            drive(prepared, stopping, inline=inline)
    if followed:
        watch_to_the_answer(*followed, url)


@click.command()
@sweep_argument
@stored_option
@click.option(
    "--accept-changes",
    is_flag=True,
    help="Continue although training settings, data or packages have changed; this is recorded.",
)
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Enter failed trials again: on their rung, or in a further cohort if it is closed.",
)
@driver_options
def resume(
    sweep: str,
    stored: bool,
    accept_changes: bool,
    retry_failed: bool,
    db: str | None,
    data_root: str | None,
    inline: bool,
    deadline: str | None,
    gpu_hours: float | None,
    address: str | None,
    detach: bool,
) -> None:
    """Continue a sweep that was stopped or killed; finished jobs are not run again.

    \b
    Jobs continue after their last epoch. If the sweep's file, the data or a package's major
    version have changed, resume refuses and names the difference. Resources, the budget, the
    data's directory and the machine may change.

    With --retry-failed, failed trials are trained again, also days after the end. No decision that
    was made changes. A failure that follows from the settings alone happens again: fix its cause
    first. Diverged trials are not retried, since they would diverge again.
    Example: searchctl resume quickstart
    """
    from searchctl.orchestrator.core.signals import StopSwitch

    refuse_inline_elsewhere(inline=inline, address=address, detach=detach)
    for line in entered_again(*open_sweep(sweep, db)) if retry_failed else ():
        click.echo(line)
    root, url, followed = Path(data_root) if data_root else None, database_url(db), None
    with StopSwitch() as stopping:
        from searchctl.orchestrator.run.resume import prepare_resume, sweep_to_resume

        find = partial(sweep_to_resume, stored=stored, data_root=root, address=address)
        if remote := _remote(sweep, db, find, detach=detach, inline=inline):
            from searchctl.orchestrator.cluster.detached import submit_resume

            given = {"--data-root": root, "--address": address, "--deadline": deadline}
            options = [
                *["--stored"] * stored,
                *["--accept-changes"] * accept_changes,
                *_command_line({**given, "--max-gpu-hours": gpu_hours}),
            ]
            driver = submit_resume(
                remote.row, remote.sweep, url, remote.cluster, db=db, options=options
            )
            followed = attach(driver, db_option_for(url), stopping, detach=detach)
        else:

            def prepare(tell: "OnProgress") -> "Prepared":
                prepared = prepare_resume(
                    sweep,
                    url,
                    stored=stored,
                    accept_changes=accept_changes,
                    data_root=root,
                    address=address,
                    tell=tell,
                    inline=inline,
                )
                if prepared.row.state == "COMPLETE":
                    return prepared
                return replace(prepared, sweep=budgeted(prepared.sweep, deadline, gpu_hours))

            drive(prepare, stopping, inline=inline)
    if followed:
        watch_to_the_answer(*followed, url)


class _Remote(NamedTuple):
    """A stored sweep whose driver is submitted to a cluster."""

    row: "SweepRow"
    sweep: "Sweep"
    cluster: str


def _remote(
    name: str,
    db: str | None,
    find: "Callable[[SweepRow], Sweep]",
    *,
    detach: bool,
    inline: bool,
) -> _Remote | None:
    """Return a sweep whose driver has to be submitted; None if it runs here, or has ended."""
    _, row = open_sweep(name, db)
    if row.state in ("COMPLETE", "FAIL"):
        return None
    sweep = find(row)
    cluster = submits_to(sweep.resources.address, detach=detach, inline=inline)
    return _Remote(row, sweep, cluster) if cluster else None


def _command_line(options: "Mapping[str, object]") -> list[str]:
    """Return the options that are not None as words of a command."""
    given = ((name, str(value)) for name, value in options.items() if value is not None)
    return [word for pair in given for word in pair]


@click.command()
@sweep_argument
@click.option("--wait", is_flag=True, help="Return when its driver has ended.")
@db_option
def stop(sweep: str, wait: bool, db: str | None) -> None:
    """Stop a running sweep, on whatever machine its driver is; nothing is lost.

    \b
    The driver ends within seconds; `searchctl resume SWEEP` continues the sweep.
    Example: searchctl stop quickstart
    """
    import time

    from searchctl.orchestrator.core.errors import SweepNotFound
    from searchctl.orchestrator.storage.writes.new_sweeps import request_state

    try:
        engine, row = open_sweep(sweep, db)
    except SweepNotFound:
        from searchctl.orchestrator.cluster.submitted import stop_before_it_is_stored

        if (job := stop_before_it_is_stored(sweep, database_url(db))) is None:
            raise
        click.echo(f"ended job {job}, which had not stored '{sweep}' yet")
        return
    if row.driver is None:
        click.echo(f"'{sweep}' has no driver to stop ({row.shown_state})")
        return
    request_state(engine, sweep, "STOPPED")
    click.echo(f"stop of '{sweep}' requested from {row.driver}")
    while wait and row.driver is not None:
        time.sleep(0.5)
        _, row = open_sweep(sweep, db)
    if wait:
        click.echo(f"'{sweep}' is {row.shown_state}" + (f": {row.error}" if row.error else ""))
