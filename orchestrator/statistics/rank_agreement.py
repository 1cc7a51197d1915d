"""Do two rungs rank the same trials alike?

Only trials that ran both rungs can be compared, and the lower rung has selected them. That makes a
correlation smaller than it is over all trials ("range restriction": Thorndike, "Personnel
Selection", 1949). `Agreement.spread` is the share of the range that is left.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

LEAST_FOR_INTERVAL = 8
Interval = tuple[float, float]


@dataclass(frozen=True)
class Agreement:
    """Rank agreement of two rungs over the trials that ran both."""

    n: int
    """Trials that have a score on both."""
    kendall: float | None
    """Tau-b: 1 same order, 0 no relation, -1 reversed; None if all scores of a rung are tied."""
    kendall_interval: Interval | None
    """Interval of 95 %; None below 8 trials, or if the order is exactly the same or reversed."""
    spearman: float | None
    spearman_interval: Interval | None
    spread: float | None
    """Standard deviation of their scores on the lower rung, as a share of all its trials'."""
    top: int
    """Number of best trials that are compared."""
    shared: int
    """How many of these trials are among the `top` best on both rungs."""
    shared_by_chance: float
    """Expected `shared` if the two rungs were unrelated."""


def rank_agreement(lower: Mapping[int, float], upper: Mapping[int, float], top: int) -> Agreement:
    """Compare two rungs.

    Args:
        lower: score of each trial that has one there; higher is better.
        upper: the same on the rung above.
        top: number of best trials to compare; at most as many as ran both.
    """
    both = sorted(lower.keys() & upper.keys())
    below, above = [lower[trial] for trial in both], [upper[trial] for trial in both]
    top, n = min(top, len(both)), len(both)
    kendall = _correlation(stats.kendalltau, below, above)
    spearman = _correlation(stats.spearmanr, below, above)
    return Agreement(
        n=n,
        kendall=kendall,
        kendall_interval=_interval(n, kendall, 0.437 / max(n - 4, 1)),
        spearman=spearman,
        spearman_interval=_interval(n, spearman, (1 + (spearman or 0) ** 2 / 2) / max(n - 3, 1)),
        spread=_share(below, list(lower.values())),
        top=top,
        shared=len(_best(both, below, top) & _best(both, above, top)),
        shared_by_chance=top * top / n if n else 0.0,
    )


def _correlation(measure: Any, below: list[float], above: list[float]) -> float | None:
    if len(set(below)) < 2 or len(set(above)) < 2:
        return None
    return float(measure(below, above).statistic)


def _interval(n: int, correlation: float | None, variance: float) -> Interval | None:
    """Return Fisher's interval: atanh(r) is nearly normal with this variance.

    The variances are Bonett & Wright's ("Sample Size Requirements for Estimating Pearson, Kendall
    and Spearman Correlations", Psychometrika 65:1, 2000).
    """
    if n < LEAST_FOR_INTERVAL or correlation is None or abs(correlation) > 1 - 1e-9:
        return None
    reach = float(stats.norm.isf(0.025)) * math.sqrt(variance)
    centre = math.atanh(correlation)
    return math.tanh(centre - reach), math.tanh(centre + reach)


def _share(some: list[float], every: list[float]) -> float | None:
    if len(some) < 2 or len(set(every)) < 2:
        return None
    return float(np.std(some, ddof=1) / np.std(every, ddof=1))


def _best(trials: list[int], scores: list[float], top: int) -> set[int]:
    """Return the best trials; ties go by trial number, as in the cut."""
    order = sorted(zip(scores, trials, strict=True), key=lambda each: (-each[0], each[1]))
    return {trial for _, trial in order[:top]}
