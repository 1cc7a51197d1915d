"""The command that writes a first sweep: init."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.common import json_option, print_json

if TYPE_CHECKING:
    from searchctl.orchestrator.init.write import FilesWritten


@click.command()
@click.argument(
    "folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path)
)
@json_option
def init(folder: Path, as_json: bool) -> None:
    """Write a first sweep, and secrets for the containers; existing files are not changed.

    \b
    sweeps/first.yaml is a small sweep with comments. .env, of mode 600, holds random passwords
    and tokens for docker-compose.yml (docs/docker.md). The next commands are printed.
    Example: searchctl init
    """
    from searchctl.orchestrator.init.write import SWEEP, write_first_files

    files = write_first_files(folder)
    if as_json:
        print_json(asdict(files))
        return
    _print_files(files)
    click.echo(
        f"\non this machine:\n  searchctl launch {folder / SWEEP}\n"
        "in containers, where docker-compose.yml is:\n"
        "  docker compose up --build --detach --scale worker=2\n"
        f"  docker compose exec head searchctl launch {SWEEP} --address auto"
    )


def _print_files(files: "FilesWritten") -> None:
    for path in files.written:
        click.echo(f"wrote {path}")
    for path in files.kept:
        click.echo(f"kept {path}: it exists already")
    for warning in files.warnings:
        click.echo(f"warning: {warning}", err=True)
