"""Rank correlations and tests, pure.

They are those of scipy, whose import takes longer than all of a view's statistics.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_MOST_EXACT = 33
"""Most pairs of values whose p-value is exact; with more, it is that of a normal distribution."""


class Correlation(NamedTuple):
    """Kendall's tau-b, and the p-value of 'the two are not related'."""

    tau: float
    p: float


def ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """Return the rank of each value from 1, float64 [n]; equal values share their mean rank."""
    _, place, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    found: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return found


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the correlation of the ranks; neither may be constant."""
    return float(np.corrcoef(ranks(first), ranks(second))[0, 1])


def kendall(first: Sequence[float], second: Sequence[float]) -> Correlation:
    """Return tau-b and its p-value; neither may be constant.

    Kendall, "Rank Correlation Methods" (1970): exact without ties for few pairs, else by the
    variance with ties. Discordant pairs are counted as Knight does ("A Computer Method for
    Calculating Kendall's Tau with Ungrouped Data", 1966).
    """
    pairs = sorted(zip(first, second, strict=True))
    n, total = len(pairs), len(pairs) * (len(pairs) - 1) // 2
    discordant = _inversions([value for _, value in pairs])
    tied, tied_too = _tied(first), _tied(second)
    ties, others, both = map(_pairs, (tied, tied_too, _tied(pairs)))
    difference = total - ties - others + both - 2 * discordant
    tau = difference / math.sqrt(total - ties) / math.sqrt(total - others)
    tau = min(1.0, max(-1.0, tau))  # rounding may exceed them
    least = min(discordant, total - discordant)
    if not ties and not others and (n <= _MOST_EXACT or least <= 1):
        return Correlation(tau, _exact_p(n, least))
    deviation = math.sqrt(_variance(n, tied, tied_too))
    return Correlation(tau, math.erfc(abs(difference) / deviation / math.sqrt(2)))


def kruskal(groups: Sequence[Sequence[float]]) -> float:
    """Return the p-value of Kruskal and Wallis's test of 'no group has other values' (1952)."""
    values = [value for group in groups for value in group]
    n, places, sums, start = len(values), ranks(values), 0.0, 0
    for group in groups:
        sums += float(places[start : start + len(group)].sum()) ** 2 / len(group)
        start += len(group)
    tied = sum(count**3 - count for count in _tied(values))
    statistic = (12 / (n * (n + 1)) * sums - 3 * (n + 1)) / (1 - tied / (n**3 - n))
    return _chi_square_tail(len(groups) - 1, statistic)


def _chi_square_tail(freedom: int, value: float) -> float:
    """Return the probability of a larger value: Q(a + 1, z) = Q(a, z) + z^a exp(-z) / a!."""
    half = max(value, 0.0) / 2
    a, tail = (0.5, math.erfc(math.sqrt(half))) if freedom % 2 else (1.0, math.exp(-half))
    while a < freedom / 2:
        tail += half**a * math.exp(-half) / math.gamma(a + 1)
        a += 1
    return tail


def _inversions(values: Sequence[float]) -> int:
    """Return how many pairs are in the wrong order."""
    seen: list[float] = []
    found = 0
    for value in values:
        place = bisect_right(seen, value)
        found += len(seen) - place
        seen.insert(place, value)
    return found


def _tied(values: Sequence[object]) -> list[int]:
    """Return how often each value occurs that occurs several times."""
    return [count for count in Counter(values).values() if count > 1]


def _pairs(tied: Sequence[int]) -> int:
    """Return how many pairs are equal."""
    return sum(count * (count - 1) // 2 for count in tied)


def _exact_p(n: int, least: int) -> float:
    """Return the share of orders of n values with so few inversions or reversed ones."""
    if 4 * least == n * (n - 1):
        return 1.0
    ways = [1] + [0] * least  # orders of 1, 2, .. values by their number of inversions
    for size in range(2, n + 1):
        ways = [sum(ways[max(0, count - size + 1) : count + 1]) for count in range(least + 1)]
    return min(1.0, 2 * sum(ways) / math.factorial(n))


def _variance(n: int, first: Sequence[int], second: Sequence[int]) -> float:
    """Return the variance of concordant minus discordant pairs, given the ties."""
    pairs = n * (n - 1)
    (a2, a3, a5), (b2, b3, b5) = (
        (
            sum(count * (count - 1) for count in tied),
            sum(count * (count - 1) * (count - 2) for count in tied),
            sum(count * (count - 1) * (2 * count + 5) for count in tied),
        )
        for tied in (first, second)
    )
    third = a3 * b3 / (9 * pairs * (n - 2)) if n > 2 else 0.0
    return (pairs * (2 * n + 5) - a5 - b5) / 18 + a2 * b2 / (2 * pairs) + third
