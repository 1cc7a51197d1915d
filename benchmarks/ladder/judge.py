"""Judges choices by seeds that did not make them.

A strategy that is judged by the scores that it chose by wins by luck: the more full trainings it
sees, the higher the best of them. So a choice is worth the mean score on all images over the other
seeds, and its regret is the distance to the trial that those seeds find best. Strategies are
compared in pairs on the same seeds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from .choices import Choice
from .tables import Table

Full = Mapping[int, float]
"""Trial -> mean score on all images."""


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its standard error; None for one seed."""

    mean: float
    error: float | None
    seeds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Estimate":
        """Return the mean of one value for each seed."""
        error = stdev(values) / sqrt(len(values)) if len(values) > 1 else None
        return cls(fmean(values), error, len(values))

    def to_json(self) -> dict[str, Any]:
        """Return it with the digits that matter."""
        error = self.error if self.error is None else round(self.error, 5)
        return {"mean": round(self.mean, 5), "error": error, "seeds": self.seeds}


def full_scores(table: Table, seeds: Iterable[int]) -> Full:
    """Return each trial's mean score on all images over some seeds; 0 where it diverged."""
    chosen = list(seeds)
    return {
        trial: fmean(max(table.curves[seed, table.full, trial], default=0.0) for seed in chosen)
        for trial in table.trials
    }


def others(table: Table, used: Iterable[int]) -> list[int]:
    """Return the table's seeds without those that a choice has seen.

    Raises:
        ValueError: none is left.
    """
    left = sorted(set(table.seeds) - set(used))
    if not left:
        raise ValueError(f"no seed is left to judge by: the table has {table.seeds}")
    return left


def regret(table: Table, choice: Choice, seeds: Iterable[int] | None = None) -> float:
    """Return how much worse the choice is than the best trial, by seeds that did not choose it."""
    full = full_scores(table, others(table, choice.seeds) if seeds is None else seeds)
    total = sum(choice.odds.values())
    worth = sum(share * full[trial] for trial, share in choice.odds.items()) / total
    return max(full.values()) - worth


def paired(table: Table, choice: Choice, base: Choice) -> float:
    """Return the regret of a choice less that of another one, by seeds that neither has seen."""
    seeds = others(table, choice.seeds | base.seeds)
    return regret(table, choice, seeds) - regret(table, base, seeds)


def by_seed(values: Iterable[tuple[int, float]]) -> Estimate:
    """Return the estimate from values of runs, each with its seed: first the mean of each seed."""
    groups: dict[int, list[float]] = {}
    for seed, value in values:
        groups.setdefault(seed, []).append(value)
    return Estimate.of([fmean(group) for group in groups.values()])
