"""The command that writes a sweep's report."""

from pathlib import Path

import click

from searchctl.orchestrator.cli.common import db_option, sweep_argument
from searchctl.orchestrator.cli.views.garbage import uncollected
from searchctl.orchestrator.cli.views.view import open_sweep


@click.command()
@sweep_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File to write; without it, html goes to SWEEP.html, and md and json are printed.",
)
@click.option(
    "--format",
    "how",
    type=click.Choice(["html", "md", "json"]),
    help="Without it, the format that the ending of FILE names; otherwise html.",
)
@click.option(
    "--price-per-gpu-hour",
    type=click.FloatRange(min=0),
    metavar="PRICE",
    help="Add what the sweep and every configuration on all data cost, in any currency.",
)
@db_option
def report(
    sweep: str,
    output: Path | None,
    how: str | None,
    price_per_gpu_hour: float | None,
    db: str | None,
) -> None:
    """Write the report of a sweep as one page that needs no network.

    \b
    The answer comes first, then the ladder as a chart, all trials, learning curves, classes,
    predicted masks, how far to trust the result, quality against cost, and plan against actual.
    The report of a running sweep shows what is stored so far. docs/report.md describes the JSON.
    Example: searchctl report quickstart -o report.html
    """
    from searchctl.orchestrator.core.errors import SearchctlError
    from searchctl.orchestrator.report.gathering import gather
    from searchctl.orchestrator.report.rendering import render

    kinds = {".md": "md", ".json": "json"}
    kind = how or (kinds.get(output.suffix.lower(), "html") if output else "html")
    engine, row = open_sweep(sweep, db)
    with uncollected():
        text = render(gather(engine, row, price_per_gpu_hour), kind)  # type: ignore[arg-type]  # click has checked it
    if output is None and kind != "html":
        click.echo(text, nl=False)
        return
    path = output or Path(f"{row.name}.html")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SearchctlError(
            f"cannot write {path}: {error.strerror}; name another file with -o"
        ) from error
    click.echo(f"wrote {path} ({len(text.encode()) / 1000:,.0f} kB)")
