"""Commands that look after what is kept: verify the record, remove the files nobody needs."""

import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from searchctl.orchestrator.cli.common import ERROR, db_option, json_option, print_json
from searchctl.orchestrator.cli.look import open_sweep, sweep_name

if TYPE_CHECKING:
    from searchctl.orchestrator.analysis.verify import Discrepancy
    from searchctl.orchestrator.analysis.verify_record import Record
    from searchctl.orchestrator.artifacts.garbage import Collected
    from searchctl.orchestrator.storage.rows import SweepRow


@click.command()
@sweep_name
@db_option
@json_option
def verify(sweep: str, db: str | None, as_json: bool) -> None:
    """Derive every decision of a sweep again from the stored evidence, and compare.

    \b
    Who was compared, ranks, cut-offs and margins are derived from the scores, the scores (and
    those of each class) from each validation image's pixel counts, the kept epochs from all
    epochs. Params must have their fingerprint, and finalists their weights. A sweep that is not
    at its end is verified as far as it is. Exit code 0 if all agree, 1 if anything does not.
    Example: searchctl verify quickstart
    """
    from searchctl.orchestrator.analysis.verify import verify as discrepancies_of
    from searchctl.orchestrator.analysis.verify_evidence import read_record

    engine, row = open_sweep(sweep, db)
    record = read_record(engine, row)
    found = discrepancies_of(record)
    if as_json:
        print_json(_verification(row, record, found))
    else:
        _print_verification(row, record, found)
    if found:
        sys.exit(ERROR)


@click.command()
@sweep_name
@click.option("--dry-run", is_flag=True, help="Say what would be removed; remove nothing.")
@db_option
@json_option
def gc(sweep: str, dry_run: bool, db: str | None, as_json: bool) -> None:
    """Remove the files of a sweep that neither a resume nor the answer needs any more.

    \b
    The weights of finalists stay, and all files of unfinished jobs. A running driver removes
    files as it goes on; what only this command removes, while no driver is running, is what
    belongs to no attempt that the database knows.
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
    wrong = Counter(each.rung for each in found)
    rungs = [
        {"rung": rung, "decisions": len(record.at(rung)), "discrepancies": wrong[rung]}
        for rung in range(len(record.planned))
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
        if rung["discrepancies"]:
            outcome = f"{rung['decisions']} decisions, {rung['discrepancies']} discrepancies"
        elif rung["decisions"]:
            outcome = f"{rung['decisions']} decisions follow from their evidence"
        click.echo(f"rung {rung['rung']}: {outcome}")
    for discrepancy in found:
        click.echo(str(discrepancy))
    count = len(record.decisions)
    if found:
        click.echo(f"not verified: {len(found)} discrepancies in the record of '{row.name}'")
    elif count:
        click.echo(f"verified: all {count} decisions of '{row.name}' follow from their evidence")
    else:
        click.echo(f"verified: no rung of '{row.name}' is decided yet, and nothing contradicts it")


def _summary(collected: "Collected") -> dict[str, Any]:
    def tallies(kind: str) -> list[dict[str, Any]]:
        found = getattr(collected, kind)
        return [{"what": fate.value, **asdict(tally)} for fate, tally in found.items()]

    return {
        "files": collected.files,
        "bytes": collected.bytes,
        "removed": tallies("removed"),
        "left": tallies("left"),
        "strays": dict(collected.strays),
    }


def _print_collected(row: "SweepRow", collected: "Collected", removed: str) -> None:
    for done, tallies in ((removed, collected.removed), ("left", collected.left)):
        for fate, tally in tallies.items():
            click.echo(f"  {done}: {_size(tally.files, tally.bytes)}, {fate.value}")
    for folder in sorted(collected.strays):
        reason = f", left because {row.driver} drives the sweep" if row.driver else ""
        click.echo(f"  the database knows no attempt {folder}{reason}")
    click.echo(f"{removed}: {_size(collected.files, collected.bytes)}")


def _size(files: int, size: int) -> str:
    return f"{files} {'file' if files == 1 else 'files'} ({size / 1e6:.1f} MB)"
