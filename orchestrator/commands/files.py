"""Commands that look at a sweep file alone: validate, plan, schema. No torch, no Ray."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.common import data_root_option, json_option, print_json

if TYPE_CHECKING:
    from orchestrator.plan import Plan
    from orchestrator.sweep import Sweep

sweep_file = click.argument("sweep_file", metavar="SWEEP.YAML", type=click.Path(path_type=Path))


@click.command()
@sweep_file
@data_root_option
def validate(sweep_file: Path, data_root: str | None) -> None:
    """Check a sweep file: all its errors at once, each with its line and the mend.

    \b
    Exit code 0 if it is valid, 1 if not. The data themselves are looked at by launch.
    Example: searchctl validate sweep.yaml
    """
    sweep = read(sweep_file, data_root)
    for warning in sweep.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{sweep_file}: '{sweep.name}' is valid, {len(sweep.trials())} trials")


@click.command()
@sweep_file
@data_root_option
@json_option
def plan(sweep_file: Path, data_root: str | None, as_json: bool) -> None:
    """Show the ladder and its cost before anything runs.

    \b
    Example: searchctl plan sweep.yaml
    """
    from orchestrator.plan import plan_sweep

    sweep = read(sweep_file, data_root)
    planned = plan_sweep(sweep)
    if as_json:
        print_json({"sweep": sweep.name, **planned.to_json()})
    else:
        print_plan(sweep, planned)


@click.command()
def schema() -> None:
    """Print the JSON Schema of a sweep file, for editors.

    \b
    Example: searchctl schema > sweep.schema.json
    """
    from orchestrator.json_schema import json_schema

    print_json(json_schema())


def read(sweep_file: Path, data_root: str | None) -> "Sweep":
    """Load a sweep file, with its data set's directory on this machine."""
    from orchestrator.sweep import load_sweep

    return load_sweep(sweep_file, data_root=Path(data_root) if data_root else None)


def print_plan(sweep: "Sweep", planned: "Plan") -> None:
    """Print the ladder, what it costs, and what to beware of."""
    from rich.console import Console

    from orchestrator.display import plan_table

    console = Console(highlight=False)
    halving = sweep.halving
    console.print(
        f"[bold]{sweep.name}[/]: {planned.ladder.trials} trials, eta {halving.eta}, "
        f"{halving.finalists} finalists, score {halving.score}"
    )
    console.print(plan_table(planned))
    cost, grid = float(planned.ladder.full_trainings), planned.ladder.trials
    console.print(
        f"Costs {cost:g} full trainings instead of {grid} for all on all of the data "
        f"({100 * cost / grid:.0f} %)."
    )
    if planned.validation_images:
        console.print(f"Validation scores {planned.validation_images} images more.")
    for warning in planned.warnings:
        console.print(f"warning: {warning}", style="yellow")
