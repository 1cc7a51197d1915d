"""Commands that say what a sweep's numbers mean: explain, pareto."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import click

from searchctl.orchestrator.cli.common import db_option, json_option, print_json
from searchctl.orchestrator.cli.look import open_sweep, sweep_name

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from rich.console import RenderableType

Facts = TypeVar("Facts", bound="DataclassInstance")


@click.command()
@sweep_name
@click.argument("trial", type=int, required=False)
@click.option("--rung", type=click.IntRange(min=0), help="One rung of the trial, in full.")
@db_option
@json_option
def explain(sweep: str, trial: int | None, rung: int | None, db: str | None, as_json: bool) -> None:
    """Say why a trial was promoted or pruned, and how sure that is; or judge a sweep's rungs.

    \b
    With TRIAL: at each rung its rank, cut-off and margin, the trials next to it and at the cut,
    and a paired bootstrap over the groups of validation images (clip, city, scene) against the
    nearest trial on the other side of the cut, corrected for all comparisons of that cut. The
    last rung that it came to, or --rung, is shown with its classes.
    Without: how far small samples could be trusted. Whether consecutive rungs rank the same
    trials alike, what the best have at each rung, and which values gain as the data grow; and
    what halving.repeats and halving.audit say of the winner.
    Example: searchctl explain quickstart 7
    """
    if trial is None and rung is not None:
        raise click.UsageError("--rung is of a trial: name the TRIAL too")
    engine, row = open_sweep(sweep, db)
    if trial is None:
        from searchctl.orchestrator.analysis.fidelity import read_fidelity
        from searchctl.orchestrator.terminal.fidelity import fidelity_report

        _tell(read_fidelity(engine, row), fidelity_report, as_json)
    else:
        from searchctl.orchestrator.analysis.explain import explain_trial
        from searchctl.orchestrator.terminal.explain import explanation

        _tell(explain_trial(engine, row, trial, rung), explanation, as_json)


@click.command()
@sweep_name
@click.option(
    "--rung",
    type=click.IntRange(min=0),
    help="Whose trials are weighed; without it, the highest that has a score.",
)
@db_option
@json_option
def pareto(sweep: str, rung: int | None, db: str | None, as_json: bool) -> None:
    """Weigh quality against cost: the trials of a rung that nothing cheaper equals.

    \b
    Costs are the training's GPU seconds (seconds, on a CPU), the trainable parameters, and the
    milliseconds that the trained network takes for one image: of the trials that ran on the same
    hardware, that of most. Each step to a dearer trial is said in one sentence, with an interval
    where the validation set has enough groups of images.
    Example: searchctl pareto quickstart --rung 0
    """
    from searchctl.orchestrator.analysis.tradeoff import read_tradeoff
    from searchctl.orchestrator.terminal.tradeoff import tradeoff_report

    engine, row = open_sweep(sweep, db)
    _tell(read_tradeoff(engine, row, rung), tradeoff_report, as_json)


def _tell(facts: Facts, view: "Callable[[Facts], Iterable[RenderableType]]", as_json: bool) -> None:
    from searchctl.orchestrator.terminal.display import show

    if as_json:
        print_json(asdict(facts))
        return
    for part in view(facts):
        show(part)
