"""The command with which one begins: init."""

from pathlib import Path

import click


@click.command()
@click.argument(
    "folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path)
)
def init(folder: Path) -> None:
    """Write a first sweep, and secrets for the containers; never changes what is there.

    \b
    sweeps/first.yaml is a small sweep with comments; .env, of mode 600, holds passwords and
    tokens that were drawn for docker-compose.yml (docs/docker.md). Says what comes next.
    Example: searchctl init
    """
    from searchctl.orchestrator.init.write import SWEEP, begin

    started = begin(folder)
    for path in started.written:
        click.echo(f"wrote {path}")
    for path in started.kept:
        click.echo(f"kept {path}: it was there")
    for warning in started.warnings:
        click.echo(f"warning: {warning}", err=True)
    sweep = folder / SWEEP
    click.echo(
        f"\non this machine:\n  searchctl launch {sweep}\n"
        "in containers, where docker-compose.yml is:\n"
        "  docker compose up --build --detach --scale worker=2\n"
        f"  docker compose exec head searchctl launch {SWEEP} --address auto"
    )
