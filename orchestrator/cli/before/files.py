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
    from collections.abc import Mapping

    from searchctl.orchestrator.config.parsing.problems import Problem
    from searchctl.orchestrator.config.sweep import Sweep


@click.command()
@sweep_file_argument
@data_root_option
@click.option(
    "--import",
    "imports",
    is_flag=True,
    help="Also import own parts, in a process of its own, and list the files that travel.",
)
@json_option
def validate(sweep_file: Path, data_root: str | None, imports: bool, as_json: bool) -> None:
    """Check a sweep file and print all its errors at once, each with its line and the fix.

    \b
    Own code is read and not run, unless --import is given. Exit code 0 if it is valid, 1 if not.
    Launch checks the data set itself.
    Example: searchctl validate sweep.yaml
    """
    if as_json:
        _validate_as_json(sweep_file, data_root, imports)
        return
    sweep = read(sweep_file, data_root)
    code = _imported(sweep, sweep_file) if imports else None
    for warning in sweep.warnings:
        click.echo(f"warning: {warning}", err=True)
    trials = counted(len(sweep.trials()), "trial")
    click.echo(f"{sweep_file}: '{sweep.name}' is valid, {trials}")
    if code is not None:
        _print_code(code)


def _imported(sweep: "Sweep", sweep_file: Path) -> "Mapping[str, bytes]":
    """Import a sweep's own code in a child process; return the files that travel."""
    from searchctl.orchestrator.own_code.sweep_code import launched_code

    return launched_code(sweep, sweep_file.absolute()).contents


def _print_code(contents: "Mapping[str, bytes]") -> None:
    size = sum(map(len, contents.values()))
    click.echo(f"own code: {counted(len(contents), 'file')}, {size:,} bytes")
    for name in contents:
        click.echo(f"  {name}")


def _validate_as_json(sweep_file: Path, data_root: str | None, imports: bool) -> None:
    from searchctl.orchestrator.config.parsing.problems import SweepError

    shown: dict[str, object] = {
        "file": str(sweep_file),
        "valid": False,
        "name": None,
        "trials": None,
    }
    try:
        sweep = read(sweep_file, data_root)
    except SweepError as error:
        print_json({**shown, "errors": [_error(each) for each in error.problems], "warnings": []})
        sys.exit(ERROR)
    shown |= {"valid": True, "name": sweep.name, "trials": len(sweep.trials())}
    if imports:
        shown |= _import_result(sweep, sweep_file)
    print_json({"errors": [], **shown, "warnings": list(sweep.warnings)})
    if not shown["valid"]:
        sys.exit(ERROR)


def _import_result(sweep: "Sweep", sweep_file: Path) -> dict[str, object]:
    from searchctl.orchestrator.core.errors import SearchctlError

    try:
        return {"code": list(_imported(sweep, sweep_file))}
    except SearchctlError as error:
        errors: list[object] = [
            {"line": None, "path": [], "message": each} for each in error.messages
        ]
        return {"valid": False, "errors": errors}


def _error(problem: "Problem") -> dict[str, object]:
    return {"line": problem.line, "path": list(problem.path), "message": problem.message}


@click.command()
@click.argument(
    "sweep_file", metavar="[SWEEP.YAML]", required=False, type=click.Path(path_type=Path)
)
def schema(sweep_file: Path | None) -> None:
    """Print the JSON Schema of a sweep file, for editors.

    \b
    With a file, the schema has the arguments of the own parts that it names, by their source.
    Example: searchctl schema > sweep.schema.json
    """
    from searchctl.orchestrator.config.json_schema import json_schema

    if sweep_file is None:
        print_json(json_schema())
        return
    from searchctl.orchestrator.config.checks.own_code.parts import schemas_of_arguments
    from searchctl.orchestrator.config.parsing.yaml_source import load_yaml

    print_json(json_schema(schemas_of_arguments(load_yaml(sweep_file))))


def read(
    sweep_file: Path, data_root: str | None, changes: "Mapping[str, str] | None" = None
) -> "Sweep":
    """Load a sweep file, with its data set's directory on this machine and with other values."""
    from searchctl.orchestrator.config.checks.own_code.paths import check_code_paths
    from searchctl.orchestrator.config.load import load_sweep

    root = Path(data_root) if data_root else None
    sweep = load_sweep(sweep_file, data_root=root, changes=changes or {})
    check_code_paths(sweep, sweep_file)
    return sweep
