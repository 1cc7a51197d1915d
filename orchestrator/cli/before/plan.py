"""The command plan: the cost of a sweep before it runs, and afterwards how right the plan was.

Imports neither torch nor Ray, unless --probe measures times.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.before.files import read
from searchctl.orchestrator.cli.common import data_root_option, db_option, json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import RenderableType

    from searchctl.orchestrator.config.sweep import Sweep
    from searchctl.orchestrator.own_code.collect import Collected
    from searchctl.orchestrator.planning.occupancy.plan_use import Occupancy
    from searchctl.orchestrator.planning.plan import Plan
    from searchctl.orchestrator.planning.probing.estimating import EstimatedPlan
    from searchctl.orchestrator.run.preparation.prepare import Prepared


@click.command()
@click.argument(
    "sweep_file", metavar="[SWEEP.YAML]", required=False, type=click.Path(path_type=Path)
)
@click.option(
    "--probe",
    is_flag=True,
    help="Measure the configurations' speed here, some seconds each.",
)
@click.option(
    "--gpus",
    type=click.IntRange(min=1),
    help="Number of GPUs to plan for, instead of this machine's.",
)
@click.option(
    "--price-per-gpu-hour",
    "price",
    metavar="PRICE",
    type=click.FloatRange(min=0),
    help="Price of one GPU hour, to estimate the sweep's; with --probe.",
)
@click.option("--against", metavar="SWEEP", help="Compare this sweep's plan with what happened.")
@db_option
@data_root_option
@json_option
def plan(
    sweep_file: Path | None,
    probe: bool,
    gpus: int | None,
    price: float | None,
    against: str | None,
    db: str | None,
    data_root: str | None,
    as_json: bool,
) -> None:
    """Show the ladder and its cost before anything runs, or compare a plan with what happened.

    \b
    --probe trains each configuration that differs in speed for some seconds, and estimates GPU
    hours, wall time, price and disk. --against SWEEP, instead of a file, compares the plan of a
    launched sweep with what happened; planned times are those of `launch --probe`, or of --probe.
    Several cohorts overlap: their wall time and the idle share are shown without --probe, too, and
    those of one ladder with --gpus.
    Example: searchctl plan sweep.yaml --probe --gpus 4 --price-per-gpu-hour 2.50
    """
    if price is not None and not probe:
        raise click.UsageError("--price-per-gpu-hour needs --probe, which measures time")
    if gpus and against is not None and not probe:
        raise click.UsageError("--gpus needs --probe if a plan is compared with what happened")
    if (sweep_file is None) == (against is None):
        raise click.UsageError("give either a SWEEP.YAML, or a launched sweep with --against SWEEP")
    if against is not None:
        _grade(against, db, probe=probe, gpus=gpus, as_json=as_json)
    elif sweep_file is not None:
        sweep = read(sweep_file, data_root)
        _refuse_gpus(sweep, gpus, price)
        if probe:
            _own_code(sweep, sweep_file).use()
        _plan(sweep, probe=probe, gpus=gpus, price=price, as_json=as_json)


def _own_code(sweep: "Sweep", sweep_file: Path) -> "Collected":
    from searchctl.orchestrator.own_code.sweep_code import launched_code

    return launched_code(sweep, sweep_file.absolute())


def _plan(
    sweep: "Sweep", *, probe: bool, gpus: int | None, price: float | None, as_json: bool
) -> None:
    from searchctl.orchestrator.planning.inline import inline_hint
    from searchctl.orchestrator.planning.plan import plan_sweep

    if not probe:
        planned, found = plan_sweep(sweep), None
        occupancy = _occupancy(sweep, planned, gpus)
    else:
        from searchctl.orchestrator.planning.probing.estimating import estimate_sweep

        found = estimate_sweep(sweep, gpus=gpus, price=price, tell=_tell)
        planned, occupancy = found.plan, found.occupancy
    if as_json:
        measured = found.to_json() if found else {}
        slots = {"occupancy": occupancy.to_json()} if occupancy else {}
        print_json({"sweep": sweep.name, **planned.to_json(), **measured, **slots})
        return
    print_plan(sweep, planned)
    if found:
        print_estimate(found)
    if occupancy:
        from searchctl.orchestrator.terminal.plans.occupancy import occupancy_report

        _print(occupancy_report(occupancy))
    forecast = found.forecast if found else None
    if not gpus and (hint := inline_hint(sweep.resources, forecast)):
        _print([hint])


def _occupancy(sweep: "Sweep", planned: "Plan", gpus: int | None) -> "Occupancy | None":
    """Return how several cohorts use the slots, or one cohort on a given number of GPUs."""
    from searchctl.orchestrator.planning.capacity import capacity_of
    from searchctl.orchestrator.planning.occupancy.plan_use import occupancy_of

    if gpus is None and (len(planned.ladders) == 1 or sweep.resources.gpus_per_trial):
        return None  # this machine's GPUs are counted by torch
    return occupancy_of(sweep, planned, capacity_of(sweep.resources, gpus=gpus).parallel)


def _grade(name: str, db: str | None, *, probe: bool, gpus: int | None, as_json: bool) -> None:
    from searchctl.orchestrator.cli.views.view import open_sweep
    from searchctl.orchestrator.config.sweep import Sweep
    from searchctl.orchestrator.planning.grade import grade
    from searchctl.orchestrator.terminal.display import show
    from searchctl.orchestrator.terminal.plans.grade import grade_report

    engine, row = open_sweep(name, db)
    found = None
    if probe:
        from searchctl.orchestrator.artifacts.directory import runs_directory
        from searchctl.orchestrator.own_code.sweep_code import resumed_code
        from searchctl.orchestrator.planning.probing.estimating import estimate_sweep

        sweep = Sweep.from_json(row.spec)
        _refuse_gpus(sweep, gpus, None)
        resumed_code(row, sweep, runs_directory(sweep))
        found = estimate_sweep(sweep, gpus=gpus, tell=_tell)
    graded = grade(engine, row, found)
    if as_json:
        print_json(graded.to_json())
        return
    for part in grade_report(graded):
        show(part)


def _refuse_gpus(sweep: "Sweep", gpus: int | None, price: float | None) -> None:
    if (gpus or price is not None) and not sweep.resources.gpus_per_trial:
        raise click.UsageError(
            "trials of this sweep use no GPU (resources.gpus_per_trial is 0): remove --gpus and "
            "--price-per-gpu-hour"
        )


def _tell(line: str) -> None:
    click.echo(line, err=True)


def print_plan(sweep: "Sweep", planned: "Plan") -> None:
    """Print the ladder, its cost, and warnings."""
    from searchctl.orchestrator.terminal.plans.plan import plan_report

    _print(plan_report(sweep, planned))


def print_estimate(found: "EstimatedPlan") -> None:
    """Print the estimate that a probe gives."""
    from searchctl.orchestrator.terminal.plans.estimate import estimate_report

    _print(estimate_report(found))


def _print(parts: "Iterable[RenderableType]") -> None:
    from searchctl.orchestrator.terminal.display import plain_console

    console = plain_console()
    for part in parts:
        console.print(part, crop=False)


def probed_first(
    sweep: "Sweep", source: Path, store: "Callable[[], Prepared]", *, inline: bool
) -> "Prepared":
    """Measure a sweep's configurations, then store the sweep with the estimate."""
    from searchctl.orchestrator.planning.probing.estimating import estimate_apart
    from searchctl.orchestrator.storage.writes.new_sweeps import store_estimate

    _tell("measuring the speed of the configurations")
    found = estimate_apart(sweep, _own_code(sweep, source), one_by_one=inline)
    prepared = store()
    store_estimate(prepared.engine, prepared.row, found.to_json())
    print_estimate(found)
    return prepared
