"""The seed's share of a score: the same configurations trained with several seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True)
class Spread:
    """Mean and deviation of a number over several seeds."""

    n: int
    mean: float
    deviation: float | None
    """Sample standard deviation (n - 1); None for a single seed."""


@dataclass(frozen=True)
class Order:
    """Whether the winner also wins with seeds that did not select it."""

    means: dict[int, float]
    """Mean over these seeds by trial, for trials that have a score."""
    best_on_average: int | None
    """The trial with the best mean; of tied ones, the one that ranks higher."""
    seeds: int
    """Seeds with which all finalists have a score."""
    first: int
    """Number of these seeds with which the winner is best, or tied for best."""


def spread(values: Sequence[float]) -> Spread | None:
    """Return mean and standard deviation; None without any value."""
    if not values:
        return None
    deviation = stdev(values) if len(values) > 1 else None
    return Spread(len(values), fmean(values), deviation)


def order(scores: Mapping[int, Sequence[float | None]]) -> Order:
    """Compare finalists seed by seed.

    Args:
        scores: by trial, in the order of rank: the score with each seed that did not select the
            winner, higher is better; None if there is no score. All have the same seeds.
    """
    known = {trial: [s for s in each if s is not None] for trial, each in scores.items()}
    means = {trial: fmean(each) for trial, each in known.items() if each}
    by_seed = [[s for s in each if s is not None] for each in zip(*scores.values(), strict=True)]
    together = [each for each in by_seed if len(each) == len(scores)]
    first = sum(each[0] == max(each) for each in together)
    best = max(means, key=lambda trial: means[trial]) if means else None
    return Order(means, best, len(together), first)
