"""The command calibrate: whether a sweep's small samples can be trusted on its own data."""

import sys
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.before.files import read
from searchctl.orchestrator.cli.common import (
    STOPPED,
    data_root_option,
    db_option,
    json_option,
    print_json,
    sweep_file_argument,
)
from searchctl.orchestrator.cli.drive.cluster import address_option, submits_to
from searchctl.orchestrator.cli.drive.driver_options import budgeted, deadline_option, inline_option
from searchctl.orchestrator.cli.drive.driving import decoding, run_here
from searchctl.orchestrator.config.locations import database_url

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Engine

    from searchctl.orchestrator.calibration.stored import ByRung
    from searchctl.orchestrator.calibration.sweeps import CalibrationSweeps
    from searchctl.orchestrator.calibration.time import RecordedSpeed
    from searchctl.orchestrator.config.sweep import Sweep
    from searchctl.orchestrator.core.signals import StopSwitch
    from searchctl.orchestrator.run.preparation.prepare import Prepared
    from searchctl.orchestrator.storage.rows import SweepRow


@click.command()
@sweep_file_argument
@click.option(
    "--trials",
    type=click.IntRange(min=4),
    default=8,
    show_default=True,
    help="Number of the sweep's trials to draw.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=2),
    default=2,
    show_default=True,
    help="Number of seeds with which each is trained.",
)
@click.option(
    "--probe", is_flag=True, help="Measure the configurations' speed here, some seconds each."
)
@click.option("--dry-run", is_flag=True, help="Print what it costs, and train nothing.")
@db_option
@data_root_option
@inline_option
@deadline_option
@address_option
@json_option
def calibrate(
    sweep_file: Path,
    trials: int,
    seeds: int,
    probe: bool,
    dry_run: bool,
    db: str | None,
    data_root: str | None,
    inline: bool,
    deadline: str | None,
    address: str | None,
    as_json: bool,
) -> None:
    """Measure whether the small samples of a sweep can be trusted, and which ladder to use.

    \b
    Some trials of the sweep are trained on every rung with several seeds: one sweep for each seed,
    without a cut. A choice by one seed is judged by the others. Ctrl-C stops it, and the same
    command continues it. Jobs that the sweep itself has in common with it are trained once. Its
    time is estimated by earlier jobs of the database on the same networks and data, or by --probe.
    Example: searchctl calibrate sweep.yaml --trials 12
    """
    from searchctl.orchestrator.core.signals import StopSwitch

    with StopSwitch() as stopping:
        sweep = budgeted(read(sweep_file, data_root), deadline, None)
        from searchctl.orchestrator.calibration.sweeps import calibration_sweeps
        from searchctl.orchestrator.run.preparation.prepare import at_address
        from searchctl.orchestrator.terminal.display import plain_console
        from searchctl.orchestrator.terminal.plans.calibration import cost_json, cost_lines

        sweep = at_address(sweep, address)
        if submits_to(sweep.resources.address, detach=False, inline=inline):
            raise click.UsageError(
                "calibrate runs its driver here: start it on the cluster, with --address auto"
            )
        found = calibration_sweeps(sweep, trials=trials, seeds=seeds)
        console = plain_console(stderr=as_json)
        url = database_url(db, sweep.storage.database_url())
        time = _Time(found, url, sweep_file.absolute(), inline)
        duration_line, seconds = time.probed() if probe else time.known()
        for line in (*cost_lines(found), duration_line):
            console.print(line, soft_wrap=True)
        if dry_run and as_json:
            print_json(cost_json(found, seconds))
        if not dry_run:
            runs = _Runs(url, sweep_file.absolute(), console, stopping, inline)
            _answer(found, runs.scores(found), as_json=as_json)


class _Time:
    """Says how long a calibration takes, before it starts: as a line, and in seconds if known."""

    def __init__(self, found: "CalibrationSweeps", url: str, source: Path, inline: bool) -> None:
        self._found = found
        self._url = url
        self._source = source
        self._inline = inline

    def known(self) -> tuple[str, float | None]:
        """Return the time by earlier jobs of the database, or a line in units of the first job."""
        from searchctl.orchestrator.calibration.recorded import finished_seeds, recorded_speed
        from searchctl.orchestrator.core.errors import SearchctlError
        from searchctl.orchestrator.storage.database import open_database

        seeds = len(self._found.sweeps)
        try:
            engine = open_database(self._url)
        except SearchctlError:  # there is none yet; what else is wrong with it stops the first seed
            return self._line(None, seeds)
        try:
            left = seeds - finished_seeds(engine, self._found)
            return self._line(recorded_speed(engine, self._found) if left else None, left)
        finally:
            engine.dispose()

    def _line(self, speed: "RecordedSpeed | None", seeds: int) -> tuple[str, float | None]:
        """Return the time of the seeds that are left."""
        from searchctl.orchestrator.calibration.time import seconds_of_jobs, times_first_job
        from searchctl.orchestrator.terminal.plans.calibration import recorded_time, unknown_time

        first, plan, slots = self._found.sweeps[0], self._found.plans[0], self._slots()
        if not seeds:
            return "Time: nothing is left to train.", 0.0
        if speed is None:
            times = seeds * times_first_job(self._found)
            return unknown_time(times, slots, by_script=first.script is not None), None
        seconds = seeds * seconds_of_jobs(first, plan, speed)
        return recorded_time(seconds, slots, speed), seconds / slots if slots else None

    def probed(self) -> tuple[str, float]:
        """Return the time by a measurement on this machine."""
        from searchctl.orchestrator.own_code.sweep_code import launched_code
        from searchctl.orchestrator.planning.probing.estimating import estimate_apart
        from searchctl.orchestrator.terminal.plans.calibration import probed_time

        first = self._found.sweeps[0]
        code = launched_code(first, self._source)
        forecast = estimate_apart(first, code, one_by_one=self._inline).forecast
        wall = forecast.wall * len(self._found.sweeps)
        return probed_time(wall, forecast.device), wall.expected

    def _slots(self) -> int | None:
        """Return how many jobs run at a time; None where only the machines of the jobs know."""
        from searchctl.orchestrator.planning.capacity import capacity_of

        resources = self._found.sweep.resources
        if self._inline:
            return 1
        if resources.gpus_per_trial or resources.address is not None:
            return None
        return capacity_of(resources).parallel


class _Runs:
    """Runs the sweeps of a calibration one after the other."""

    def __init__(
        self, url: str, source: Path, console: "Console", stopping: "StopSwitch", inline: bool
    ) -> None:
        self._url = url
        self._source = source
        self._console = console
        self._stopping = stopping
        self._inline = inline

    def scores(self, found: "CalibrationSweeps") -> "list[ByRung]":
        """Return the scores of each seed; sweeps that have ended are not run again."""
        from searchctl.orchestrator.calibration.stored import refuse_equal_scores, scores_of
        from searchctl.orchestrator.facts.sweeps import duration

        scores, count, took = [], len(found.sweeps), 0.0
        for number, sweep in enumerate(found.sweeps, start=1):
            left = took * (count - number + 1)
            about = f", about {duration(left)} left for all seeds" * (left > 0)
            self._console.print(f"seed {number} of {count}: sweep {sweep.name}{about}")
            began = monotonic()
            engine, row = self._ended(sweep)
            took = monotonic() - began
            scores.append(scores_of(engine, row))
            refuse_equal_scores(scores[-1], row)
        return scores

    def _ended(self, sweep: "Sweep") -> "tuple[Engine, SweepRow]":
        prepared = self._prepared(sweep)
        if prepared.row.state == "COMPLETE":
            return prepared.engine, prepared.row
        row = run_here(prepared, self._stopping, self._console, inline=self._inline)
        if row.state != "COMPLETE":
            self._console.print(f"stopped: {row.error}", soft_wrap=True)
            self._console.print("nothing is lost: the same command continues it")
            sys.exit(self._stopping.exit_code or STOPPED)
        return prepared.engine, row

    def _prepared(self, sweep: "Sweep") -> "Prepared":
        from searchctl.orchestrator.run.preparation.prepare import prepare
        from searchctl.orchestrator.run.resume import prepare_resume

        if self._is_stored(sweep.name):
            ready = partial(prepare_resume, sweep.name, self._url, stored=True)
        else:
            ready = partial(prepare, sweep, self._url, self._source)
        with decoding(self._console, self._stopping) as tell:
            return ready(tell=tell, inline=self._inline)

    def _is_stored(self, name: str) -> bool:
        from searchctl.orchestrator.storage.database import open_database
        from searchctl.orchestrator.storage.reads.queries import sweep_named

        engine = open_database(self._url, create=True)
        try:
            return sweep_named(engine, name) is not None
        finally:
            engine.dispose()


def _answer(found: "CalibrationSweeps", scores: "list[ByRung]", *, as_json: bool) -> None:
    from searchctl.orchestrator.calibration.answer import calibrated
    from searchctl.orchestrator.calibration.stored import table_of
    from searchctl.orchestrator.terminal.display import show
    from searchctl.orchestrator.terminal.plans.calibration import (
        calibration_json,
        calibration_report,
    )

    table, whole = table_of(scores, found.plans[0].ladder)
    answer = calibrated(table, found.choices)
    if as_json:
        print_json(calibration_json(answer, [found.trials[place] for place in whole]))
        return
    for part in calibration_report(answer, len(found.trials) - len(whole)):
        show(part)
