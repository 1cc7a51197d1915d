"""The command that checks everything that a sweep needs: doctor."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.common import ERROR, OK, db_option, json_option, print_json
from searchctl.orchestrator.cli.drive.cluster import address_option
from searchctl.orchestrator.facts.text import counted

if TYPE_CHECKING:
    from searchctl.orchestrator.doctor.finding import Finding

_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command()
@click.argument(
    "sweep_file", metavar="[SWEEP.YAML]", required=False, type=click.Path(path_type=Path)
)
@db_option
@address_option
@json_option
@click.pass_context
def doctor(
    context: click.Context,
    sweep_file: Path | None,
    db: str | None,
    address: str | None,
    as_json: bool,
) -> None:
    """Check everything that a sweep needs, and print what to fix.

    \b
    Checks Python and packages, GPUs, the database, the directory of the files, secrets that
    others may read, and Ray: each node of its cluster is checked on that node. With a sweep
    file, it also checks the data set and the directories, on each node too, and whether a trial
    fits on a node. Nothing is changed; on a cluster, the check remains in the list of jobs.
    Exit code 1 if there is an error.
    Example: searchctl doctor sweep.yaml
    """
    from searchctl.orchestrator.doctor.examine import examined  # imports torch

    findings = []
    for finding in examined(sweep_file, db, address):
        findings.append(finding)
        if not as_json:
            _show(finding)
    counts = Counter(finding.level for finding in findings)
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings], "counts": counts})
    else:
        click.echo(f"{counted(counts['error'], 'error')}, {counted(counts['warning'], 'warning')}")
    context.exit(ERROR if counts["error"] else OK)


def _show(finding: "Finding") -> None:
    """Print a finding at once: the next check may take seconds."""
    level = click.style(f"{finding.level:<8}", fg=_COLOURS[finding.level])
    click.echo(f"{level}{finding.what:<15} {finding.found}")
    if finding.fix:
        click.echo(f"{'':<24}fix: {finding.fix}")
