"""Several sweeps side by side, for `searchctl compare SWEEP SWEEP...`."""

from collections.abc import Callable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from searchctl.orchestrator.analysis.compared_sweeps import ComparedSweeps, Lead, SweepResult
from searchctl.orchestrator.facts.sweeps import assignments, duration, number, value
from searchctl.orchestrator.terminal.display import plain_table
from searchctl.trainer.scores.catalog import title


def sweep_tables(found: ComparedSweeps) -> Iterator[RenderableType]:
    """Yield the results, what makes them incomparable or who leads, and the settings."""
    yield _results(found.sweeps)
    if any(each.copied["seconds"] for each in found.sweeps):
        yield "copied: what jobs took in the earlier sweeps that they were copied from."
    yield ""
    if found.incomparable:
        yield Text(
            f"The scores cannot be compared: these differ: {', '.join(found.incomparable)}.",
            "yellow",
        )
    yield from map(_lead, found.leads)
    if found.settings:
        yield ""
        yield _settings(found)
    else:
        yield "All settings that change results are equal."


def _results(sweeps: Sequence[SweepResult]) -> Table:
    table = plain_table("", *(each.name for each in sweeps), left=[""])
    rows = {
        "state": [each.state for each in sweeps],
        "data set": [each.dataset for each in sweeps],
        "trials": [f"{each.trials:,}" for each in sweeps],
        "best trial": ["-" if each.best is None else str(each.best) for each in sweeps],
        "its params": [assignments(each.params) or "-" for each in sweeps],
        "score": [f"{title(each.score_name)} {number(each.score)}" for each in sweeps],
        "trained on": [_images(each) for each in sweeps],
        "noise of one seed": [number(each.noise) for each in sweeps],
        "images trained": [
            f"{each.images_trained:,}{_copied(each, 'images_seen', '{:,.0f}'.format)}"
            for each in sweeps
        ],
        "time of jobs": [
            f"{duration(each.seconds)}{_copied(each, 'seconds', duration)}" for each in sweeps
        ],
        "GPU hours": [_gpu_hours(each) for each in sweeps],
    }
    if any(each.copies for each in sweeps):
        rows["jobs that were copied"] = [f"{each.copies:,}" for each in sweeps]
    if any(each.violation for each in sweeps):
        rows["best exceeds"] = [each.violation or "-" for each in sweeps]
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table


def _gpu_hours(sweep: SweepResult) -> str:
    own = f"{sweep.gpu_hours:.3g}" if sweep.gpu_hours else "-"
    return own + _copied(sweep, "gpu_seconds", lambda seconds: f"{seconds / 3600:.3g}")


def _copied(sweep: SweepResult, cost: str, write: Callable[[float], str]) -> str:
    return f" + {write(sweep.copied[cost])} copied" if sweep.copied[cost] else ""


def _images(sweep: SweepResult) -> str:
    if sweep.images is None:
        return "-"
    return f"all {sweep.images:,} images" if sweep.on_all else f"{sweep.images:,} images so far"


def _lead(lead: Lead) -> str:
    """Return the sentence on a lead.

    >>> _lead(Lead("a", "b", 0.0123, shown=False))
    'No difference shown: a is better than b by 0.0123, which one seed alone may cause.'
    """
    text = f"{lead.better} is better than {lead.other} by {number(lead.gain)}"
    if lead.shown is None:
        return (
            f"{text}; whether that is more than the noise of the seed is not known "
            "(halving.repeats or searchctl calibrate measures it)."
        )
    return (
        f"{text}, more than the noise of the seed."
        if lead.shown
        else f"No difference shown: {text}, which one seed alone may cause."
    )


def _settings(found: ComparedSweeps) -> Table:
    names = [each.name for each in found.sweeps]
    table = plain_table("settings that differ", *names, left=["settings that differ"])
    for name, row in found.settings.items():
        table.add_row(name, *("-" if each is None else value(each) for each in row))
    return table
