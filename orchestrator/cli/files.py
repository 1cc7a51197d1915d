"""Commands that read a sweep file alone: validate, schema. No torch, no Ray."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.common import (
    ERROR,
    data_root_option,
    json_option,
    print_json,
    sweep_file_argument,
)
from searchctl.orchestrator.facts.text import counted

if TYPE_CHECKING:
    from searchctl.orchestrator.config.parsing.problems import Problem
    from searchctl.orchestrator.config.sweep import Sweep


@click.command()
@sweep_file_argument
@data_root_option
@json_option
def validate(sweep_file: Path, data_root: str | None, as_json: bool) -> None:
    """Check a sweep file and print all its errors at once, each with its line and the fix.

    \b
    Exit code 0 if it is valid, 1 if not. Launch checks the data set itself.
    Example: searchctl validate sweep.yaml
    """
    if as_json:
        _validate_as_json(sweep_file, data_root)
        return
    sweep = read(sweep_file, data_root)
    for warning in sweep.warnings:
        click.echo(f"warning: {warning}", err=True)
    trials = counted(len(sweep.trials()), "trial")
    click.echo(f"{sweep_file}: '{sweep.name}' is valid, {trials}")


def _validate_as_json(sweep_file: Path, data_root: str | None) -> None:
    from searchctl.orchestrator.config.parsing.problems import SweepError

    shown = {"file": str(sweep_file), "valid": False, "name": None, "trials": None}
    try:
        sweep = read(sweep_file, data_root)
    except SweepError as error:
        print_json({**shown, "errors": [_error(each) for each in error.problems], "warnings": []})
        sys.exit(ERROR)
    shown |= {"valid": True, "name": sweep.name, "trials": len(sweep.trials())}
    print_json({**shown, "errors": [], "warnings": list(sweep.warnings)})


def _error(problem: "Problem") -> dict[str, object]:
    return {"line": problem.line, "path": list(problem.path), "message": problem.message}


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
    from searchctl.orchestrator.config.load import load_sweep

    return load_sweep(sweep_file, data_root=Path(data_root) if data_root else None)
