"""Output of `searchctl explain SWEEP TRIAL`: decisions, neighbours in rank, and how sure it is."""

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from searchctl.orchestrator.analysis.certainty import Certainty, NotKnown, Rival
from searchctl.orchestrator.analysis.explain import (
    ClassFacts,
    Comparison,
    Explained,
    ExplainedRung,
    Neighbour,
)
from searchctl.orchestrator.facts.sweeps import assignments, number
from searchctl.orchestrator.facts.text import counted, main_line
from searchctl.orchestrator.statistics.cut import Corrected
from searchctl.orchestrator.statistics.paired_bootstrap import NotAssessable
from searchctl.orchestrator.terminal.display import heading, plain_table
from searchctl.trainer.scores.catalog import title

LEVEL = 0.05
MOST_CLASSES = 10
_MOST_SWEEPS = 3
_TEXT_WIDTH = 100
"""Maximum width of a paragraph: longer lines are hard to read."""


def explanation(explained: Explained) -> Iterator[RenderableType]:
    """Yield every rung in short, and the last one with its neighbours and classes."""
    cohort = "" if explained.cohort is None else f" (cohort {explained.cohort})"
    yield heading(f"trial {explained.trial}", f" of {explained.sweep}{cohort}: {explained.state}")
    yield f"  {assignments(explained.params)}"
    if not explained.rungs:
        yield "  not started yet"
    name = title(explained.score)
    for rung in explained.rungs:
        yield Text()
        yield _heading(rung, name)
        if explained.certainty and rung is explained.rungs[-1]:
            yield paragraph(f"how sure: {certainty_text(explained.certainty, name)}", indent=2)
        yield from _reasons(rung, name, whole=rung is explained.rungs[-1])
    yield from _notes(explained.rungs)


def certainty_text(found: Certainty | NotKnown, name: str) -> str:
    """Return sentences on how sure it is that the winner is the best finalist.

    Args:
        found: the finalists compared.
        name: name of the score.
    """
    if isinstance(found, NotKnown):
        return f"Not known: {found.why}."
    winner, second = found.rivals[:2]
    return (
        f"{'Sure' if found.sure else 'Not sure'}: the chance that trial {winner.trial} is the best "
        f"of the {len(found.rivals)} finalists is {_chance(winner)}, trial {second.trial}: "
        f"{_chance(second)}. Best means the mean over all seeds. {_means(winner, second, name)} "
        f"One seed moves the score of a configuration by {found.noise.deviation:.4f} (standard "
        f"deviation, {_measured(found)}).{_unscored(found.rivals)}"
    )


def _chance(rival: Rival) -> str:
    """Write a chance; it is never certain.

    >>> _chance(Rival(1, 0.5, 3, 0, 0.9999)), _chance(Rival(1, 0.5, 3, 0, 0.24))
    ('over 99%', '24%')
    """
    share = min(max(rival.chance, 0.0), 1.0)
    if share > 0.99:
        return "over 99%"
    return "under 1%" if share < 0.01 else f"{share:.0%}"


def _means(winner: Rival, second: Rival, name: str) -> str:
    of = f"{name} of trial {winner.trial} is {number(winner.mean)}"
    other = f"of trial {second.trial} {number(second.mean)}"
    if winner.seeds == second.seeds == 1:
        return f"With one seed, {of}, {other}."
    seeds, theirs = counted(winner.seeds, "seed"), counted(second.seeds, "seed")
    over = "" if seeds == theirs else f" over {theirs}"
    return f"The mean {of} over {seeds}, {other}{over}."


def _measured(found: Certainty) -> str:
    noise = found.noise
    freedom = counted(noise.freedom, "degree of freedom", "degrees of freedom")
    if found.source == "repeats":
        return f"{freedom}, from the repeats of this sweep"
    several = counted(noise.configurations, "configuration")
    sweeps = ", ".join(found.sweeps[:_MOST_SWEEPS])
    more = f" and {len(found.sweeps) - _MOST_SWEEPS} more" * (len(found.sweeps) > _MOST_SWEEPS)
    return f"from {several} with several seeds in {sweeps}{more}, counted as {freedom}"


def _unscored(rivals: Iterable[Rival]) -> str:
    return "".join(
        f" Trial {each.trial} has no score with {each.unscored} of its seeds."
        for each in rivals
        if each.unscored
    )


def paragraph(text: str, indent: int = 0, style: str = "") -> RenderableType:
    """Return a text wrapped to the terminal, and to at most 100 columns."""
    return Constrain(Padding(Text(text, style=style), (0, 0, 0, indent)), _TEXT_WIDTH)


def _notes(rungs: Iterable[ExplainedRung]) -> Iterator[RenderableType]:
    """Yield the notes that apply to all rungs, each once."""
    judged = [rung.comparison.sure for rung in rungs if rung.comparison]
    notes = [f"Not assessable: {each.why}." for each in judged if isinstance(each, NotAssessable)]
    if any(isinstance(each, Corrected) for each in judged):
        notes.append(
            "'these networks' is about the trained networks on this validation set: it does not "
            "contain the noise of training, and another seed may rank them differently."
        )
    if notes:
        yield Text()
    yield from (paragraph(note, style="dim") for note in dict.fromkeys(notes))


def _heading(rung: ExplainedRung, name: str) -> Text:
    where = f"rung {rung.rung}, {rung.job.images} images: "
    decision = rung.decision
    if decision is None:
        return Text.assemble(
            (where, "bold"), f"{rung.job.state}, no decision: the rung is not closed"
        )
    if decision.rank is None:
        reason = f": {line}" if (line := main_line(rung.job.error)) else ""
        return Text.assemble((where + decision.verdict, "bold"), reason)
    return Text.assemble(
        (where + decision.verdict, "bold"), f", {name} {number(decision.score)}, {decision.reason}"
    )


def _reasons(rung: ExplainedRung, name: str, *, whole: bool) -> Iterator[RenderableType]:
    if whole and rung.neighbours:
        yield Padding(_neighbours(rung, name), (0, 0, 0, 2))
    if rung.comparison:
        yield paragraph(f"these networks: {how_sure(rung.comparison, name)}", indent=2)
        if whole and rung.comparison.classes:
            yield from _classes(rung, rung.comparison)


def _neighbours(rung: ExplainedRung, name: str) -> Table:
    table = plain_table("rank", "trial", name, "decision", "differs in", left=["decision"])
    table.columns[-1].justify = "left"
    before: Neighbour | None = None
    for each in rung.neighbours:
        if before and each.rank > before.rank + 1:
            table.add_row("..")
        itself = each.trial == rung.job.trial
        differs = "(this trial)" if itself else _theirs(each)
        cells = (str(each.rank), str(each.trial), number(each.score), each.verdict, differs)
        table.add_row(*cells, style="bold" if itself else "")
        before = each
    return table


def _theirs(neighbour: Neighbour) -> str:
    differs = neighbour.differs.items()
    return assignments({name: "-" if theirs is None else theirs for name, (_, theirs) in differs})


def how_sure(comparison: Comparison, name: str) -> str:
    """Return a sentence on how a trial compares with its opponent, and how sure that is.

    Args:
        comparison: the trial and its opponent.
        name: name of the score.
    """
    other = f"trial {comparison.opponent.trial}, {comparison.opponent.side}"
    if isinstance(comparison.sure, NotAssessable):
        return f"not assessable (compared with {other})"
    found = comparison.sure
    difference = found.difference
    if difference.low == difference.high == 0:
        return f"{name} equal to that of {other}, whichever images are drawn."
    apart = (
        "The choice of images does not explain this difference."
        if found.p < LEVEL
        else "These images cannot distinguish the two networks."
    )
    return (
        f"{name} {better(difference.value)} than {other}; 95% interval "
        f"{better(difference.low)} to {better(difference.high)} (paired bootstrap over the "
        f"{difference.groups} groups of {difference.images} validation images). {_p(found)} {apart}"
    )


def better(difference: float) -> str:
    """Write a difference of scores in words.

    >>> better(0.0312), better(-0.2)
    ('0.0312 better', '0.2000 worse')
    """
    return f"{abs(difference):.4f} {'worse' if difference < 0 else 'better'}"


def _p(found: Corrected) -> str:
    alone = f"p {_level(found.difference.p)}"
    if found.comparisons < 2:
        return f"{alone}."
    return (
        f"{alone} alone, {_level(found.p)} after {found.correction}'s correction for the "
        f"{found.comparisons} comparisons of this rung."
    )


def _level(p: float) -> str:
    """Write a p-value. With few groups, very small values are not meaningful.

    >>> _level(0.0312), _level(2e-11)
    ('= 0.031', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def _classes(rung: ExplainedRung, comparison: Comparison) -> Iterator[RenderableType]:
    """Show the classes in which it is better than its opponent, and what pruning it lost."""
    better_in = [facts for facts in comparison.classes if facts.pair.iou > facts.pair.other_iou]
    better_in.sort(key=lambda facts: facts.pair.other_iou - facts.pair.iou)
    other, of = comparison.opponent.trial, len(comparison.classes)
    count = len(better_in) or "none"
    yield paragraph(f"better than trial {other} in {count} of {of} classes", indent=2)
    if better_in:
        yield Padding(_class_table(better_in[:MOST_CLASSES], other), (0, 0, 0, 2))
    if len(better_in) > MOST_CLASSES:
        yield paragraph(f"and {len(better_in) - MOST_CLASSES} more (--json lists all)", indent=2)
    if rung.decision and rung.decision.verdict == "pruned":
        yield paragraph(_lost(comparison.classes), indent=2)


def _class_table(classes: Iterable[ClassFacts], other: int) -> Table:
    table = plain_table("class", "of pixels", "IoU", f"trial {other}", "better by", left=["class"])
    for facts in classes:
        pair = facts.pair
        name = f"{facts.name} (rare)" if pair.rare else facts.name
        ious = (number(pair.iou), number(pair.other_iou), number(pair.iou - pair.other_iou))
        table.add_row(name, f"{pair.share:.1%}", *ious)
    return table


def _lost(classes: Iterable[ClassFacts]) -> str:
    lost = [facts for facts in classes if facts.pair.rare and facts.lost]
    if not lost:
        return "Dropping it lost no rare class: in each, a survivor is about as good."
    each = (
        f"{facts.name} ({facts.pair.share:.1%} of the pixels; IoU {number(facts.pair.iou)}, "
        f"the best survivor's is {number(facts.best_kept_iou)})"
        for facts in lost
    )
    return f"Dropping it lost these classes, in which every survivor is worse: {', '.join(each)}."
