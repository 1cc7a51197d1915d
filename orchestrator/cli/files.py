"""Commands that look at a sweep file alone: validate, schema. No torch, no Ray."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.common import data_root_option, print_json

if TYPE_CHECKING:
    from searchctl.orchestrator.config.sweep import Sweep

sweep_file = click.argument("sweep_file", metavar="SWEEP.YAML", type=click.Path(path_type=Path))


@click.command()
@sweep_file
@data_root_option
def validate(sweep_file: Path, data_root: str | None) -> None:
    """Check a sweep file: all its errors at once, each with its line and the fix.

    \b
    Exit code 0 if it is valid, 1 if not. The data themselves are looked at by launch.
    Example: searchctl validate sweep.yaml
    """
    sweep = read(sweep_file, data_root)
    for warning in sweep.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{sweep_file}: '{sweep.name}' is valid, {len(sweep.trials())} trials")


@click.command()
def schema() -> None:
    """Print the JSON Schema of a sweep file, for editors.

    \b
    Example: searchctl schema > sweep.schema.json
    """
    from searchctl.orchestrator.config.json_schema import json_schema

    print_json(json_schema())


def read(sweep_file: Path, data_root: str | None) -> "Sweep":
    """Load a sweep file, with its data set's directory on this machine."""
    from searchctl.orchestrator.config.sweep import load_sweep

    return load_sweep(sweep_file, data_root=Path(data_root) if data_root else None)
