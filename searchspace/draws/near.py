"""Draws near a known value: numbers on the axis's own scale, choices with a raised probability."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import TypeVar

from searchctl.searchspace.dimensions import Choice, Interval
from searchctl.searchspace.values import Value

SPREAD = 0.15
"""Standard deviation of a number, as a share of its axis: on a logarithmic axis from 1e-4 to 1e-1,
a factor of 2.8."""
STAYS = 2 / 3
"""Probability that a choice keeps the known value without a draw among all values."""
_BELOW_ONE = 1 - 2**-53

Item = TypeVar("Item")


def near(dimension: Choice | Interval, value: Value, u: float) -> Value:
    """Map a coordinate `u`, 0 <= u < 1, to a value near a known value of the dimension.

    A number is drawn from a normal distribution around the known one, truncated to the axis, on
    the axis's own scale: on a logarithmic axis, its logarithm is.

    >>> [round(near(Interval(0.0, 1.0), 0.5, u), 3) for u in (0.1, 0.5, 0.9)]
    [0.308, 0.5, 0.692]
    >>> [near(Choice(("a", "b", "c")), "b", u) for u in (0.1, 0.5, 0.7, 0.99)]
    ['b', 'b', 'a', 'c']
    """
    if isinstance(dimension, Interval):
        return dimension.at(_truncated(dimension.position(value), u))
    return near_item(dimension.options, value, u)


def near_item(items: Sequence[Item], known: Item, u: float) -> Item:
    """Map `u`, 0 <= u < 1, to the known item with a raised probability, or to any of the items."""
    if u < STAYS:
        return known
    return items[int((u - STAYS) / (1 - STAYS) * len(items))]


def _truncated(mean: float, u: float) -> float:
    """Return the quantile `u` of a normal distribution around `mean`, truncated to [0, 1)."""
    normal = NormalDist(mean, SPREAD)
    low, high = normal.cdf(0.0), normal.cdf(1.0)
    return min(max(normal.inv_cdf(low + u * (high - low)), 0.0), _BELOW_ONE)
