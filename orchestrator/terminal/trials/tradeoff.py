"""Output of `searchctl pareto`: the trials worth their cost, and the gain of each step."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from searchctl.orchestrator.analysis.tradeoff import LATENCY, Tradeoff, Upgrade
from searchctl.orchestrator.facts.sweeps import assignments, number
from searchctl.orchestrator.facts.text import counted
from searchctl.orchestrator.statistics.paired_bootstrap import Difference, NotAssessable
from searchctl.orchestrator.terminal.display import heading, plain_table
from searchctl.orchestrator.terminal.trials.explain import paragraph
from searchctl.trainer.scores.catalog import ScoreName, title


def tradeoff_report(tradeoff: Tradeoff) -> Iterator[RenderableType]:
    """Yield the fronts, then a sentence for each step along them."""
    name = title(tradeoff.score)
    where = f"rung {tradeoff.rung} of {tradeoff.sweep}"
    trials = f"{counted(tradeoff.trials, 'trial')} on {counted(tradeoff.images, 'image')}"
    yield heading(f"{name} against cost", f": {where}, {trials}")
    yield _front_table(tradeoff, name)
    for cost in dict.fromkeys(cost for each in tradeoff.candidates for cost in each.costs):
        yield ""
        steps = [upgrade for upgrade in tradeoff.upgrades if upgrade.cost == cost]
        yield from (paragraph(_sentence(step, tradeoff.score)) for step in steps)
        if not steps:
            yield from (paragraph(line) for line in _no_choice(tradeoff, cost, name))
    yield ""
    yield from (paragraph(note, style="dim") for note in _notes(tradeoff))


def _front_table(tradeoff: Tradeoff, name: str) -> Table:
    costs = list(dict.fromkeys(cost for each in tradeoff.candidates for cost in each.costs))
    table = plain_table("trial", name, *costs, "params")
    table.columns[-1].justify = "left"
    for each in tradeoff.candidates:
        cells = (_cost(each.costs.get(cost), cost in each.fronts) for cost in costs)
        table.add_row(str(each.trial), number(each.score), *cells, assignments(each.params))
    return table


def _cost(value: float | None, on_front: bool) -> str:
    if value is None:
        return "-"
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}" + (" *" if on_front else "  ")


def _sentence(step: Upgrade, score: ScoreName) -> str:
    """Return a sentence on the cost and the gain of a step along the front."""
    is_loss = score == "val_loss"
    scale, digits = (1, 4) if is_loss else (100, 1)
    what = "less loss" if is_loss else f"points of {title(score)}"
    gain = f"{step.gain * scale:{'' if is_loss else '+'}.{digits}f}"
    if isinstance(step.sure, Difference):
        gain += f" ± {(step.sure.high - step.sure.low) / 2 * scale:.{digits}f}"
    return (
        f"trial {step.dearer} costs {_times(step.factor)} the {step.cost} of trial {step.cheaper} "
        f"for {gain} {what}."
    )


def _times(factor: float | None) -> str:
    """Write a ratio of costs.

    >>> _times(3.14), _times(391.2), _times(None)
    ('3.1x', '391x', 'any number of times')
    """
    if factor is None:
        return "any number of times"
    return f"{factor:.1f}x" if factor < 10 else f"{factor:,.0f}x"


def _no_choice(tradeoff: Tradeoff, cost: str, name: str) -> Iterator[str]:
    for each in tradeoff.candidates:
        if cost in each.fronts:
            yield f"trial {each.trial} has both the best {name} and the fewest {cost}."


def _on_latency(tradeoff: Tradeoff) -> Iterator[str]:
    compared = len(tradeoff.costs.get(LATENCY, ()))
    if compared:
        rest = f"; only the {compared} trials that ran there are compared"
        yield (
            f"{LATENCY}: the latency of one image at the training size, on {tradeoff.latency_on}"
            f"{rest if compared < tradeoff.trials else ''}. Parallel jobs slow it down, so small "
            "differences mean nothing."
        )


def _notes(tradeoff: Tradeoff) -> Iterator[str]:
    others = tradeoff.trials - len(tradeoff.candidates)
    beaten = f"{others} {'is' if others == 1 else 'are'} on no front"
    rest = f"; of {counted(tradeoff.trials, 'trial')}, {beaten}" if others else ""
    yield f"* no cheaper trial of this rung has as good a score{rest}."
    if tradeoff.copied:
        trials = ", ".join(map(str, tradeoff.copied))
        yield f"Copied from earlier sweeps, with the seconds of the training there: {trials}."
    assessed = [step.sure for step in tradeoff.upgrades if isinstance(step.sure, Difference)]
    if assessed:
        yield (
            "± is half of the 95% interval, from a paired bootstrap over the "
            f"{assessed[0].groups} groups of {assessed[0].images} validation images. It is about "
            "these trained networks, not about other seeds."
        )
    yield from _on_latency(tradeoff)
    refused = [step.sure for step in tradeoff.upgrades if isinstance(step.sure, NotAssessable)]
    yield from dict.fromkeys(
        f"The uncertainty of the gains is not assessable: {r.why}." for r in refused
    )
