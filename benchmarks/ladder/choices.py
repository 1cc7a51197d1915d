"""What a strategy decides and what it pays, and the halving rule on the jobs of a table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from searchctl.orchestrator.halving.cut import cut
from searchctl.orchestrator.halving.rule import Ladder, Outcome

from .tables import Run


@dataclass(frozen=True)
class Choice:
    """The trials that a strategy may end with, and what it pays."""

    odds: Mapping[int, float]
    """Trial -> probability; 1 for one trial if the strategy draws nothing."""
    cost: float
    """Forward passes of one image, validation included; expected, if the strategy draws."""
    seeds: frozenset[int]
    """Seeds whose scores on all images it has seen: these may not judge it."""


Strategy = Callable[[Run], Choice]
Scores = Callable[[int], float | None]


def one(run: Run, trial: int, cost: float, seeds: Iterable[int] = ()) -> Choice:
    """Return the choice of one trial."""
    return Choice({trial: 1.0}, cost, frozenset([run.full_seed, *seeds]))


def mean_choice(choices: Sequence[Choice]) -> Choice:
    """Return what a strategy chooses that draws one of these, all equally likely."""
    odds: dict[int, float] = {}
    for choice in choices:
        for trial, share in choice.odds.items():
            odds[trial] = odds.get(trial, 0.0) + share / len(choices)
    cost = sum(choice.cost for choice in choices) / len(choices)
    return Choice(odds, cost, frozenset().union(*(choice.seeds for choice in choices)))


def kept(trials: Iterable[int], score: Scores, planned: int | None) -> list[int]:
    """Return the trials that the halving rule keeps, best first; on the last rung, all ranked."""
    outcomes = [Outcome(trial, 0, score(trial)) for trial in trials]
    decisions = cut(outcomes, planned, "maximize")
    return [each.trial for each in decisions if each.verdict in ("promoted", "complete")]


def survivors(run: Run, ladder: Ladder, *, last: int | None = None) -> list[list[int]]:
    """Return the trials of each rung, and at the end the ranked finalists, best first.

    Args:
        run: the scores.
        ladder: the rungs.
        last: epochs at the end that rank the rungs below the last one; every epoch, if None.
    """
    rungs = ladder.rungs
    alive = [list(run.table.trials)]
    for rung, above in zip(rungs, [*rungs[1:], None], strict=True):
        seen = None if above is None else last
        scores = {trial: run.score(trial, rung.images, last=seen) for trial in alive[-1]}
        alive.append(kept(alive[-1], scores.get, above.trials if above else None))
    return alive
