"""Output of `searchctl explain SWEEP`: whether the rungs agree, and what drifts with the data."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from searchctl.orchestrator.analysis.fidelity import Fidelity, Step
from searchctl.orchestrator.facts.sweeps import value
from searchctl.orchestrator.statistics.drift import (
    LEAST_FOR_P,
    REGULARISERS,
    Drift,
    Typical,
    misjudged,
)
from searchctl.orchestrator.statistics.rank_agreement import LEAST_FOR_INTERVAL, Interval
from searchctl.orchestrator.terminal.display import heading, plain_table
from searchctl.orchestrator.terminal.trials.explain import certainty_text, paragraph
from searchctl.orchestrator.terminal.trials.follow_up import follow_up_report
from searchctl.trainer.scores.catalog import title


def sweep_explanation(fidelity: Fidelity) -> Iterator[RenderableType]:
    """Yield how sure the winner is, then `fidelity_report`."""
    if fidelity.certainty:
        yield heading("How sure is it that the winner is the best finalist?")
        yield paragraph(certainty_text(fidelity.certainty, title(fidelity.score)))
        yield Text()
    yield from fidelity_report(fidelity)


def fidelity_report(fidelity: Fidelity) -> Iterator[RenderableType]:
    """Yield the tables, each with its limits."""
    yield heading("Do the rungs rank the same trials alike?")
    if fidelity.steps:
        yield _agreement_table(fidelity.steps)
        yield paragraph(_reading(fidelity.steps), style="dim")
    else:
        yield paragraph(
            "There is nothing to compare: the ladder has one rung, so every trial is trained on "
            "all of the data, and a small sample decides nothing."
        )
    if any(each.kept for each in fidelity.preferred):
        yield Text()
        which = "kept trials of cohort 0" if fidelity.several else "kept trials"
        yield heading(f"Typical params of the {which}", " (for numbers the median)")
        yield _preferred_table(fidelity)
    if fidelity.drifts:
        names = [each.name for each in fidelity.preferred]
        yield Text()
        yield heading("Which values gain with more data?")
        yield _drift_table(sorted(fidelity.drifts, key=lambda drift: names.index(drift.name)))
        yield paragraph(
            f"Among the trials{' of cohort 0' if fidelity.several else ''} that ran both rungs. "
            "For values that are not numbers: the mean number of ranks that their trials rose. "
            "p-values have Holm's correction for all "
            f"lines; there is none below {LEAST_FOR_P} trials.",
            style="dim",
        )
    if fidelity.steps:
        yield from map(paragraph, _on_lowest_rung(fidelity))
    if fidelity.appraised:
        yield Text()
        yield from follow_up_report(fidelity.appraised)


def _agreement_table(steps: Sequence[Step]) -> Table:
    table = plain_table("rungs", "trials", "Kendall", "Spearman", "same best", "spread")
    for step in steps:
        found = step.agreement
        table.add_row(
            ("" if step.cohort is None else f"cohort {step.cohort}: ")
            + f"{step.lower} -> {step.upper}",
            str(found.n),
            _correlation(found.kendall, found.kendall_interval),
            _correlation(found.spearman, found.spearman_interval),
            f"{found.shared} of {found.top} ({found.shared_by_chance:.1f})",
            "-" if found.spread is None else f"{found.spread:.2f}",
        )
    return table


def _correlation(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" + (f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else "")


def _reading(steps: Sequence[Step]) -> str:
    few = any(step.agreement.n < LEAST_FOR_INTERVAL for step in steps)
    without = f"; there is none below {LEAST_FOR_INTERVAL} trials" if few else ""
    return (
        "Only survivors ran both rungs. The lower rung selected them, and their scores have only "
        "the given share (spread) of its standard deviation, so correlations are smaller than over "
        f"all trials. [Intervals] are of 95%{without}. Same best: how many of the trials that the "
        "upper rung keeps were among as many best of the lower one (in brackets: by chance). The "
        "winner survived every cut by construction. These numbers cannot show whether a cut "
        "dropped a better trial; an audit can (halving.audit)."
    )


def _preferred_table(fidelity: Fidelity) -> Table:
    cuts = [f"kept at {rung}" for rung in range(len(fidelity.preferred[0].kept))]
    if fidelity.ended:
        cuts[-1] = "its best" if fidelity.several else "winner"
    table = plain_table("", "all", *cuts, left=[""])
    table.columns[0].no_wrap = True
    for each in fidelity.preferred:
        table.add_row(each.name, *map(_typical, (each.of_all, *each.kept)))
    return table


def _typical(typical: Typical | None) -> str:
    if typical is None:
        return "-"
    is_median = isinstance(typical.value, int | float) and not isinstance(typical.value, bool)
    shown = value(typical.value)
    return shown if is_median or typical.share == 1 else f"{shown} {typical.share:.0%}"


def _drift_table(drifts: Sequence[Drift]) -> Table:
    table = plain_table("", "rungs", "trials", "what gains", "p", left=["", "what gains"])
    table.columns[0].no_wrap = True
    for drift in drifts:
        p = "-" if drift.p is None else f"{drift.p:.2g}"
        rungs = f"{drift.lower} -> {drift.upper}"
        table.add_row(drift.name, rungs, str(drift.n), _gain(drift), p)
    return table


def _gain(drift: Drift) -> str:
    if any(drift.rose.values()):
        return ", ".join(f"{value} {rise:+.1f}" for value, rise in drift.rose.items())
    tau = round(drift.tau or 0, 2)
    if not tau:
        return "none"
    return f"{'larger' if tau > 0 else 'smaller'} values (tau {tau:+.2f})"


def _on_lowest_rung(fidelity: Fidelity) -> Iterator[str]:
    """Say which params the smallest sample judged differently than more data did."""
    for drift in misjudged(fidelity.drifts):
        values = "larger" if (drift.tau or 0) > 0 else "smaller"
        regulariser = ", a regulariser," if drift.name in REGULARISERS else ""
        yield (
            f"The smallest sample ranked trials with {values} values of {drift.name}{regulariser} "
            f"lower than more data did: among the same {drift.n} trials, the rank correlation of "
            f"{drift.name} with quality is {_tau(drift.below)} on rung 0 and {_tau(drift.above)} "
            f"on rung {drift.upper} (p = {drift.p:.2g}). The cut of rung 0 may have dropped good "
            "trials with such values. It is one sample and one seed, so chance may be a part of it."
        )


def _tau(value: float | None) -> str:
    return "0" if value is None else f"{value:+.2f}"
