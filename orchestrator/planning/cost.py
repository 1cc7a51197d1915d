"""What a rung costs, pure: sums over trials of which nobody knows yet who survives."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Span:
    """A number that depends on what nobody knows yet: on who survives, or on a machine's speed."""

    low: float
    expected: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Self:
        """Return a number that depends on nothing."""
        return cls(value, value, value)

    @property
    def known(self) -> bool:
        """Does it depend on nothing?"""
        return self.low == self.high

    def __add__(self, other: "Span") -> "Span":
        return Span(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __mul__(self, factor: float) -> "Span":
        return Span(self.low * factor, self.expected * factor, self.high * factor)


def total(spans: Iterable[Span]) -> Span:
    """Return the sum of spans whose lows, and whose highs, come together."""
    ends = [(span.low, span.expected, span.high) for span in spans]
    return Span(*map(sum, zip(*ends, strict=True))) if ends else Span.exactly(0)


def over_survivors(trials: Sequence[Span], survivors: int) -> Span:
    """Sum what trials cost over `survivors` of them.

    Exact where all of them survive. Else, expected is what it comes to where the survivors are a
    fair sample of all; low is where they are the cheapest, high where they are the dearest.

    >>> over_survivors([Span.exactly(cost) for cost in (1, 2, 6)], 2)
    Span(low=3, expected=6.0, high=8)
    """
    whole = total(trials)
    if survivors >= len(trials):
        return whole
    lows = sorted(span.low for span in trials)
    highs = sorted(span.high for span in trials)
    expected = whole.expected * survivors / len(trials)
    return Span(sum(lows[:survivors]), expected, sum(highs[len(highs) - survivors :]))


def makespan(seconds: Iterable[float], slots: int) -> float:
    """Return when the last of these jobs ends: each goes, in this order, to the first free slot.

    Graham, 'Bounds on multiprocessing timing anomalies' (1969): list scheduling.

    >>> makespan([3, 3, 3], 2)
    6.0
    """
    free = [0.0] * slots
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def rung_wall(trials: Sequence[Span], survivors: int, slots: int) -> Span:
    """Return how long a rung takes with so many jobs at a time: the next begins when all are in.

    Where all trials are in it, they begin in their order. Else expected is for survivors at even
    steps from the fastest to the slowest, low for the fastest, high for the slowest; each begins
    with its fastest, since a long job that begins last is what a rung waits for.
    """
    if survivors >= len(trials):
        low, expected, high = ([getattr(t, end) for t in trials] for end in Span.__annotations__)
    else:
        lows, middles, highs = (
            sorted(getattr(trial, end) for trial in trials) for end in Span.__annotations__
        )
        steps = (int((place + 0.5) * len(trials) / survivors) for place in range(survivors))
        low, high = lows[:survivors], highs[len(highs) - survivors :]
        expected = [middles[step] for step in steps]
    return Span(makespan(low, slots), makespan(expected, slots), makespan(high, slots))
