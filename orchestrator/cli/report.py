"""The command that writes a sweep's report."""

from pathlib import Path

import click

from searchctl.orchestrator.cli.common import db_option
from searchctl.orchestrator.cli.look import open_sweep, sweep_name


@click.command()
@sweep_name
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write it; without it, SWEEP.html, and md and json are printed.",
)
@click.option(
    "--format",
    "how",
    type=click.Choice(["html", "md", "json"]),
    help="Without it, what FILE ends with; else html.",
)
@db_option
def report(sweep: str, out: Path | None, how: str | None, db: str | None) -> None:
    """Write all that is known of a sweep as one page that opens anywhere, also offline.

    \b
    The answer first, then the ladder as a picture, all trials, learning curves, classes,
    predicted masks, how far to trust it, quality against cost, and plan against actual.
    A sweep that runs gives a report of what is there. docs/report.md describes the JSON.
    Example: searchctl report quickstart -o report.html
    """
    from searchctl.orchestrator.core.errors import SearchctlError
    from searchctl.orchestrator.report.gathering import gather
    from searchctl.orchestrator.report.rendering import render

    kinds = {".md": "md", ".json": "json"}
    kind = how or (kinds.get(out.suffix.lower(), "html") if out else "html")
    engine, row = open_sweep(sweep, db)
    text = render(gather(engine, row), kind)  # type: ignore[arg-type]  # click has checked it
    if out is None and kind != "html":
        click.echo(text, nl=False)
        return
    path = out or Path(f"{row.name}.html")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SearchctlError(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"{path}: {len(text.encode()) / 1000:,.0f} kB")
