"""Commands that analyse a sweep's results: explain, pareto."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import click

from searchctl.orchestrator.cli.common import db_option, json_option, print_json, sweep_argument
from searchctl.orchestrator.cli.views.garbage import uncollected
from searchctl.orchestrator.cli.views.several import show_accepted
from searchctl.orchestrator.cli.views.view import open_sweep

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from rich.console import RenderableType
    from sqlalchemy import Engine

    from searchctl.orchestrator.storage.rows import SweepRow

Facts = TypeVar("Facts", bound="DataclassInstance")


@click.command()
@sweep_argument
@click.argument("trial", type=int, required=False)
@click.option(
    "--rung",
    type=click.IntRange(min=0),
    help="Rung of the trial to show in full, instead of its last one.",
)
@db_option
@json_option
def explain(sweep: str, trial: int | None, rung: int | None, db: str | None, as_json: bool) -> None:
    """Explain why a trial was promoted or pruned, and how sure that is; or assess the rungs.

    \b
    With TRIAL: its rank, cut-off and margin at each rung, its neighbours in rank, and a paired
    bootstrap over the groups of validation images (clip, city, scene) against the nearest trial
    on the other side of the cut, corrected for all comparisons of that cut. Its last rung, or
    --rung, is shown with its classes.
    Of a finalist: how sure it is that the winner is better, given how much a score changes from
    seed to seed; the bootstrap speaks of these trained networks only.
    Without TRIAL: the same, and how far small samples can be trusted. Whether consecutive rungs
    rank the same trials alike, which params the best trials of each rung have, which values gain
    with more data, and what halving.repeats and halving.audit found about the winner.
    Example: searchctl explain quickstart 7
    """
    if trial is None and rung is not None:
        raise click.UsageError("--rung is a rung of one trial: give TRIAL too")
    engine, row = open_sweep(sweep, db)
    if trial is None:
        from searchctl.orchestrator.analysis.fidelity import read_fidelity
        from searchctl.orchestrator.terminal.trials.fidelity import sweep_explanation

        with uncollected():
            fidelity = read_fidelity(engine, row)
        _show(fidelity, sweep_explanation, as_json)
        _show_exceeding(engine, row, as_json)
    else:
        from searchctl.orchestrator.analysis.explain import explain_trial
        from searchctl.orchestrator.terminal.trials.explain import explanation

        with uncollected():
            explained = explain_trial(engine, row, trial, rung)
        _show(explained, explanation, as_json)
    if not as_json:
        show_accepted(engine, row)


@click.command()
@sweep_argument
@click.option(
    "--rung",
    type=click.IntRange(min=0),
    help="Rung whose trials are compared; without it, the highest one with a score.",
)
@db_option
@json_option
def pareto(sweep: str, rung: int | None, db: str | None, as_json: bool) -> None:
    """Compare quality with cost: the trials of a rung that no cheaper trial equals.

    \b
    Costs are the GPU seconds of the training (seconds on a CPU), the trainable parameters, and
    the milliseconds that the trained network takes for one image, for the trials that ran on the
    most common hardware. One sentence describes each step to a more expensive trial, with an
    interval if the validation set has enough groups of images.
    Example: searchctl pareto quickstart --rung 0
    """
    from searchctl.orchestrator.analysis.tradeoff import read_tradeoff
    from searchctl.orchestrator.terminal.trials.tradeoff import tradeoff_report

    engine, row = open_sweep(sweep, db)
    _show(read_tradeoff(engine, row, rung), tradeoff_report, as_json)
    _show_exceeding(engine, row, as_json)
    if not as_json:
        show_accepted(engine, row)


def _show(facts: Facts, view: "Callable[[Facts], Iterable[RenderableType]]", as_json: bool) -> None:
    from searchctl.orchestrator.terminal.display import show

    if as_json:
        print_json(asdict(facts))
        return
    for part in view(facts):
        show(part)


def _show_exceeding(engine: "Engine", row: "SweepRow", as_json: bool) -> None:
    """Say that the best trial exceeds a limit, if it does; JSON has it in `status --json`."""
    from searchctl.orchestrator.facts.limits import exceeding_best
    from searchctl.orchestrator.terminal.display import show
    from searchctl.orchestrator.terminal.trials.explain import paragraph

    if not as_json and (line := exceeding_best(engine, row)):
        show("")
        show(paragraph(line, style="yellow"))
