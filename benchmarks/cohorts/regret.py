"""Regret of one ladder and of several cohorts at equal cost, on the tables of real trainings.

    python -m benchmarks.cohorts.regret    # -> benchmarks/results/cohorts.json

Draws, ladders and cuts are the product's own functions; scores are looked up in the tables of
benchmarks/ladder, and a choice is judged by other seeds (benchmarks/ladder/judge.py). Every way may
spend what one ladder of 18 random trials costs, with as many trials as that pays for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from statistics import fmean
from typing import Any

from benchmarks.ladder.choices import Choice, kept, mean_choice, one
from benchmarks.ladder.judge import Estimate, full_scores, others, paired, regret
from benchmarks.ladder.strategies import ladder_cost
from benchmarks.ladder.tables import Run, Table
from benchmarks.machine import RESULTS, keep
from searchctl.orchestrator.draws.points import History, Prior, draw, draw_by_model
from searchctl.orchestrator.draws.tpe import ClosedTrial
from searchctl.orchestrator.halving.rule import Ladder, plan_ladder
from searchctl.searchspace import Choice as Axis
from searchctl.searchspace import Params, Space
from searchctl.trainer.core.seeds import derive_seed

TRIALS = 18
"""Trials of the one ladder whose cost all ways may spend."""
DRAWS = 20
"""Draws for each seed of a table."""
THIRD = Fraction(1, 3)
BASE = "one ladder"


@dataclass(frozen=True)
class Way:
    """How the trials are drawn."""

    shares: Sequence[Fraction]
    """Size of each cohort, relative to that of the first one."""
    smallest: Sequence[Fraction]
    """Smallest fraction of the images, for each cohort."""
    method: str = "random"
    lag: int = 1
    known: float | None = None
    """Rank of the known point among all trials by the judging seeds: 0 best, 1 worst."""
    finalists: int = 1

    def ladders(self, table: Table, size: int) -> list[Ladder]:
        """Return the ladders of all cohorts, the first one of so many trials."""
        plan = partial(
            plan_ladder, images=table.full, finalists=self.finalists, min_images=table.batch_size
        )
        pairs = zip(self.shares, self.smallest, strict=True)
        return [plan(max(1, int(size * s)), min_fraction=smallest) for s, smallest in pairs]

    def affordable(self, table: Table, budget: float) -> list[Ladder]:
        """Return the largest ladders whose cost is within the budget."""
        sizes = range(1, len(table.params) + 1)
        found = [self.ladders(table, size) for size in sizes]
        return [each for each in found if _cost(table, each) <= budget][-1]


SAME = (Fraction(1),) * 3
LOWEST = (Fraction(1, 16),) * 3
HYPERBAND = {
    "shares": (Fraction(1), Fraction(1, 2), Fraction(1, 4)),
    "smallest": (Fraction(1, 16), Fraction(1, 4), Fraction(1)),
}
WAYS = {
    BASE: Way(SAME[:1], LOWEST[:1], finalists=2),
    "3 cohorts, random": Way(SAME, LOWEST),
    "3 cohorts, TPE": Way(SAME, LOWEST, "tpe"),
    "3 cohorts, TPE, lag 2": Way(SAME, LOWEST, "tpe", lag=2),
    "Hyperband, random": Way(**HYPERBAND),
    "Hyperband, TPE": Way(**HYPERBAND, method="tpe"),
    "one ladder, good known point": Way(SAME[:1], LOWEST[:1], known=0.1, finalists=2),
    "one ladder, median known point": Way(SAME[:1], LOWEST[:1], known=0.5, finalists=2),
    "one ladder, poor known point": Way(SAME[:1], LOWEST[:1], known=0.9, finalists=2),
}


@dataclass(frozen=True)
class Points:
    """A table's trials as points of a space."""

    table: Table

    @cached_property
    def space(self) -> Space:
        """The space whose points are the table's trials."""
        params = self.table.params
        values = {name: sorted({p[name] for p in params}, key=str) for name in params[0]}
        return Space({name: Axis(tuple(options)) for name, options in values.items()})

    @cached_property
    def number(self) -> dict[Params, int]:
        """The trial of each point."""
        return {Params(params): trial for trial, params in enumerate(self.table.params)}


def search(points: Points, way: Way, ladders: Sequence[Ladder], run: Run, seed: int) -> Choice:
    """Draw and cut cohort after cohort; choose the finalist with the best score."""
    prior = _prior(points, way, run, seed)
    taken: list[Params] = []
    closed: list[list[ClosedTrial]] = []
    finalists: list[int] = []
    for number, ladder in enumerate(ladders):
        known = [trial for cohort in closed[: max(0, number - way.lag + 1)] for trial in cohort]
        new = _drawn(points, way, ladder.trials, seed, number, taken, prior, known)
        trained, last = _climbed(points, run, ladder, new, len(taken))
        taken += new
        closed.append(trained)
        finalists += last
    ranked = kept(finalists, partial(run.score, images=points.table.full), None)
    return one(run, ranked[0], _cost(points.table, ladders))


def _prior(points: Points, way: Way, run: Run, seed: int) -> Prior:
    if way.known is None:
        return Prior()
    table = points.table
    full = full_scores(table, others(table, [run.full_seed]))
    ranked = sorted(full, key=lambda trial: (-full[trial], trial))
    point = Params(table.params[ranked[round(way.known * (len(ranked) - 1))]])
    return Prior(points.space.complete([point], seed, lambda _: True), THIRD)


def _drawn(
    points: Points,
    way: Way,
    count: int,
    seed: int,
    number: int,
    taken: list[Params],
    prior: Prior,
    known: list[ClosedTrial],
) -> list[Params]:
    if way.method != "tpe" or not known:
        found = draw(points.space, "random", count, seed, taken, prior)
    else:
        history = History(known, "maximize", THIRD, derive_seed(seed, "cohort", number))
        found, _ = draw_by_model(points.space, count, seed, taken, prior, history)
    return [point.params for point in found]


def _climbed(
    points: Points, run: Run, ladder: Ladder, new: list[Params], first: int
) -> tuple[list[ClosedTrial], list[int]]:
    """Train a cohort; return its trials with their scores, and the finalists."""
    alive = [points.number[params] for params in new]
    scores: dict[int, dict[int, float | None]] = {trial: {} for trial in alive}
    for rung, above in zip(ladder.rungs, [*ladder.rungs[1:], None], strict=True):
        for trial in alive:
            scores[trial][rung.images] = run.score(trial, rung.images)
        at = partial(run.score, images=rung.images)
        alive = kept(alive, at, above.trials if above else None)
    numbers = enumerate(new, first)
    return [ClosedTrial(n, params, scores[points.number[params]]) for n, params in numbers], alive


def _cost(table: Table, ladders: Sequence[Ladder]) -> int:
    return sum(ladder_cost(table, ladder) for ladder in ladders)


def compared(table: Table) -> dict[str, Any]:
    """Return the trials, cost and regret of each way, and the difference to one ladder."""
    points = Points(table)
    budget = _cost(table, WAYS[BASE].ladders(table, TRIALS))
    base: list[Choice] = []
    found = {}
    for name, way in WAYS.items():
        ladders = way.affordable(table, budget)
        choices = [_mean(points, way, ladders, Run.of(table, seed)) for seed in table.seeds]
        base = base or choices
        pairs = zip(choices, base, strict=True)
        found[name] = {
            "trials": [ladder.trials for ladder in ladders],
            "cost": round(fmean(choice.cost for choice in choices) / budget, 3),
            "regret": Estimate.of([regret(table, each) for each in choices]).to_json(),
            "difference": Estimate.of([paired(table, *pair) for pair in pairs]).to_json(),
        }
    return found


def _mean(points: Points, way: Way, ladders: Sequence[Ladder], run: Run) -> Choice:
    draws: Callable[[int], Choice] = partial(search, points, way, ladders, run)
    return mean_choice([draws(seed) for seed in range(DRAWS)])


def main() -> None:
    """Compare the ways on the tables of five fidelities."""
    tables = {name: Table.read(RESULTS / "ladder" / f"{name}.jsonl") for name in ("fcn", "unet")}
    found = {name: compared(table) for name, table in tables.items()}
    keep("cohorts", {"draws": DRAWS, "tables": found})


if __name__ == "__main__":
    main()
