"""Pareto front: the trials that no cheaper trial equals in quality."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One trial's quality and what it costs."""

    trial: int
    quality: float
    """Higher is better."""
    cost: float
    """Lower is better; any unit."""


def pareto_front(points: Iterable[Point]) -> list[Point]:
    """Return the points that no other point dominates, the cheapest first.

    Of points that are equal in both quality and cost, only the lowest trial number is returned.

    >>> front = pareto_front([Point(0, 0.5, 10), Point(1, 0.4, 20), Point(2, 0.7, 30)])
    >>> [point.trial for point in front]
    [0, 2]
    """
    front: list[Point] = []
    for point in sorted(points, key=lambda each: (each.cost, -each.quality, each.trial)):
        if not front or point.quality > front[-1].quality:
            front.append(point)
    return front
