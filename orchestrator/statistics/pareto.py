"""Which trials are worth their cost: those that nothing cheaper equals."""

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
    """Return the points that none other equals or beats in one and beats in the other.

    The cheapest comes first. Of points that are alike in both, the lowest trial stands for all.

    >>> front = pareto_front([Point(0, 0.5, 10), Point(1, 0.4, 20), Point(2, 0.7, 30)])
    >>> [point.trial for point in front]
    [0, 2]
    """
    front: list[Point] = []
    for point in sorted(points, key=lambda each: (each.cost, -each.quality, each.trial)):
        if not front or point.quality > front[-1].quality:
            front.append(point)
    return front
