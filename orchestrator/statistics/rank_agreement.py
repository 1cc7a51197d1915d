"""Do two rungs rank the same trials alike?

Only the trials that ran both can be asked, and those were chosen by their place on the lower rung.
That makes a correlation smaller than it is over all trials ("range restriction": Thorndike,
"Personnel Selection", 1949); `Agreement.spread` says how much of the range is left.
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
    """How alike two rungs rank the trials that ran both."""

    n: int
    """Trials that have a score on both."""
    kendall: float | None
    """Tau-b: 1 the same order, 0 none, -1 reversed; None where one of them ties all."""
    kendall_interval: Interval | None
    """Of 95 %; None under 8 trials, and where the order is the same, or reversed, throughout."""
    spearman: float | None
    spearman_interval: Interval | None
    spread: float | None
    """Standard deviation of their scores on the lower rung, as a share of all its trials'."""
    top: int
    """How many of the best are looked at."""
    shared: int
    """Of the `top` best of the lower rung among these, how many are such on the upper one."""
    shared_by_chance: float
    """How many that would be on average if the lower rung said nothing."""


def rank_agreement(lower: Mapping[int, float], upper: Mapping[int, float], top: int) -> Agreement:
    """Compare two rungs.

    Args:
        lower: of every trial that has a score there: the score, higher is better.
        upper: the same of the rung above.
        top: how many of the best to look at; no more than ran both.
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
    """Return Fisher's interval: atanh(r) is nearly normal, of this variance.

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
    """Return the best trials, ties by number, as the cut has it."""
    order = sorted(zip(scores, trials, strict=True), key=lambda each: (-each[0], each[1]))
    return {trial for _, trial in order[:top]}
