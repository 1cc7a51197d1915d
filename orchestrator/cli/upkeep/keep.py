"""Commands on what a sweep has stored: verify its decisions, remove files no longer needed."""

import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from searchctl.orchestrator.cli.common import (
    ERROR,
    db_option,
    json_option,
    print_json,
    sweep_argument,
)
from searchctl.orchestrator.cli.views.view import open_sweep
from searchctl.orchestrator.facts.cohorts import rung_name
from searchctl.orchestrator.facts.scripts import NOT_VOUCHED
from searchctl.orchestrator.facts.text import counted

if TYPE_CHECKING:
    from searchctl.orchestrator.analysis.verification.discrepancy import Discrepancy
    from searchctl.orchestrator.analysis.verification.record import Record
    from searchctl.orchestrator.artifacts.garbage import Collected
    from searchctl.orchestrator.storage.rows import SweepRow


@click.command()
@sweep_argument
@db_option
@json_option
def verify(sweep: str, db: str | None, as_json: bool) -> None:
    """Derive every decision of a sweep again from the stored evidence, and compare.

    \b
    The trials of a cohort are drawn again from the seed and the closed cohorts before it. Ranks,
    cut-offs and margins are derived from the scores; the scores, of each class too, from the pixel
    counts of each validation image; the kept epochs from all epochs. Params must match their
    fingerprint, and finalists must have weights. A running sweep is verified up to its last
    decision. Exit code 0 if everything agrees, 1 if anything does not.
    Example: searchctl verify quickstart
    """
    from searchctl.orchestrator.analysis.verification.evidence import read_record
    from searchctl.orchestrator.analysis.verification.verify import verify as discrepancies_of
    from searchctl.orchestrator.facts.accepted_changes import accepted_changes
    from searchctl.orchestrator.storage.reads import queries

    engine, row = open_sweep(sweep, db)
    record = read_record(engine, row)
    found = discrepancies_of(record)
    accepted = list(accepted_changes(queries.events(engine, row)))
    if as_json:
        print_json({**_verification(row, record, found), "accepted": accepted})
    else:
        for line in accepted:
            click.echo(line)
        _print_verification(row, record, found)
    if found:
        sys.exit(ERROR)


@click.command()
@sweep_argument
@click.option("--dry-run", is_flag=True, help="Print what would be removed, and remove nothing.")
@db_option
@json_option
def gc(sweep: str, dry_run: bool, db: str | None, as_json: bool) -> None:
    """Remove the files of a sweep that neither a resume nor its results need.

    \b
    The weights of finalists stay, and all files of unfinished jobs. A running driver removes
    files by itself. Only this command removes files of attempts that the database does not know,
    and only while no driver is running.
    Example: searchctl gc quickstart --dry-run
    """
    from searchctl.orchestrator.artifacts.directory import runs_directory
    from searchctl.orchestrator.artifacts.garbage import collect
    from searchctl.orchestrator.config.sweep import Sweep
    from searchctl.orchestrator.core.errors import SearchctlError

    engine, row = open_sweep(sweep, db)
    runs = runs_directory(Sweep.from_json(row.spec))
    try:
        collected = collect(engine, row, runs, strays=row.driver is None, dry_run=dry_run)
    except OSError as error:
        raise SearchctlError(f"cannot clean {runs}: {error}; fix it and run gc again") from error
    if as_json:
        print_json({"sweep": sweep, "runs": str(runs), "dry_run": dry_run, **_summary(collected)})
    else:
        click.echo(f"{runs}:")
        _print_collected(row, collected, "would be removed" if dry_run else "removed")


def _verification(row: "SweepRow", record: "Record", found: "list[Discrepancy]") -> dict[str, Any]:
    cohort_of = {trial.number: trial.cohort for trial in record.trials}
    wrong = Counter((cohort_of.get(each.trial, 0), each.rung) for each in found)
    rungs = [
        {
            "cohort": cohort,
            "rung": rung,
            "decisions": len(record.at(cohort, rung)),
            "discrepancies": wrong[cohort, rung],
        }
        for cohort, rung in record.rungs
    ]
    return {
        "sweep": row.name,
        "state": row.state,
        "verified": not found,
        "rungs": rungs,
        "discrepancies": [{**asdict(each), "text": str(each)} for each in found],
    }


def _print_verification(row: "SweepRow", record: "Record", found: "list[Discrepancy]") -> None:
    for rung in _verification(row, record, found)["rungs"]:
        outcome = "no decisions"
        decisions = counted(rung["decisions"], "decision")
        if rung["discrepancies"]:
            outcome = f"{decisions}, {_discrepancies(rung['discrepancies'])}"
        elif rung["decisions"]:
            outcome = f"{decisions} derived again from the evidence"
        name = rung_name(rung["rung"], rung["cohort"] if len(record.planned) > 1 else None)
        click.echo(f"{name}: {outcome}")
    if record.underivable:
        click.echo(f"The scores are not derived from the images: {record.underivable}.")
    if record.by_script:
        click.echo(NOT_VOUCHED)
    for discrepancy in found:
        click.echo(f"error: {discrepancy}")
    count = len(record.decisions)
    if found:
        click.echo(f"not verified: {_discrepancies(len(found))} in the record of '{row.name}'")
    elif count:
        decisions = counted(count, "decision")
        click.echo(f"verified: {decisions} of '{row.name}' derived again from the evidence")
    else:
        click.echo(f"verified: '{row.name}' has no decision yet, and no discrepancy")


def _discrepancies(number: int) -> str:
    return counted(number, "discrepancy", "discrepancies")


def _summary(collected: "Collected") -> dict[str, Any]:
    def tallies(kind: str) -> list[dict[str, Any]]:
        found = getattr(collected, kind)
        return [{"what": reason.value, **asdict(tally)} for reason, tally in found.items()]

    return {
        "files": collected.files,
        "bytes": collected.bytes,
        "removed": tallies("removed"),
        "left": tallies("left"),
        "strays": dict(collected.strays),
    }


def _print_collected(row: "SweepRow", collected: "Collected", removed: str) -> None:
    for done, tallies in ((removed, collected.removed), ("left", collected.left)):
        for reason, tally in tallies.items():
            click.echo(f"  {done}: {_size(tally.files, tally.bytes)}, {reason.value}")
    for folder in sorted(collected.strays):
        kept = f", left because {row.driver} drives the sweep" if row.driver else ""
        click.echo(f"  the database knows no attempt {folder}{kept}")
    click.echo(f"{removed}: {_size(collected.files, collected.bytes)}")


def _size(files: int, size: int) -> str:
    return f"{counted(files, 'file')} ({size / 1e6:.1f} MB)"
