"""How much of a score is chance: the same configurations trained with several seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True)
class Spread:
    """A number over several seeds."""

    n: int
    mean: float
    deviation: float | None
    """Standard deviation of one training, by n - 1; None of a single one."""


@dataclass(frozen=True)
class Order:
    """Whether the winner would have won with other seeds than that which chose it."""

    means: dict[int, float]
    """Mean over these seeds by trial; of trials that have a score."""
    best_on_average: int | None
    """The trial with the best mean; of several such, the one that ranks higher."""
    seeds: int
    """Seeds with which all of the finalists have a score."""
    first: int
    """With how many of these the winner is the best, or as good."""


def spread(values: Sequence[float]) -> Spread | None:
    """Return mean and standard deviation; None without any value."""
    if not values:
        return None
    deviation = stdev(values) if len(values) > 1 else None
    return Spread(len(values), fmean(values), deviation)


def order(scores: Mapping[int, Sequence[float | None]]) -> Order:
    """Compare finalists seed by seed.

    Args:
        scores: by trial, the winner first, then as they rank: the score with each seed that had no
            say in who won, higher is better; None without one. All have the same seeds.
    """
    known = {trial: [s for s in each if s is not None] for trial, each in scores.items()}
    means = {trial: fmean(each) for trial, each in known.items() if each}
    by_seed = [[s for s in each if s is not None] for each in zip(*scores.values(), strict=True)]
    together = [each for each in by_seed if len(each) == len(scores)]
    first = sum(each[0] == max(each) for each in together)
    best = max(means, key=lambda trial: means[trial]) if means else None
    return Order(means, best, len(together), first)
