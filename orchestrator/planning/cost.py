"""The cost of a rung, pure: sums over trials whose survivors are not known yet."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Span:
    """An uncertain number: it depends on the survivors, or on the speed of a machine."""

    low: float
    expected: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Self:
        """Return a certain number."""
        return cls(value, value, value)

    @property
    def known(self) -> bool:
        """Whether the number is certain."""
        return self.low == self.high

    def __add__(self, other: "Span") -> "Span":
        return Span(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __mul__(self, factor: float) -> "Span":
        return Span(self.low * factor, self.expected * factor, self.high * factor)


def total(spans: Iterable[Span]) -> Span:
    """Return the sum of spans, assuming that all are low, expected or high together."""
    ends = [(span.low, span.expected, span.high) for span in spans]
    return Span(*map(sum, zip(*ends, strict=True))) if ends else Span.exactly(0)


def over_survivors(trials: Sequence[Span], survivors: int) -> Span:
    """Return the cost of `survivors` of these trials.

    The cost is exact if all survive. Otherwise `expected` is for a representative sample, `low` for
    the cheapest trials and `high` for the most expensive ones.

    >>> over_survivors([Span.exactly(cost) for cost in (1, 2, 6)], 2)
    Span(low=3, expected=6.0, high=8)
    """
    if len(set(map(id, trials))) == 1:  # all cost the same, as in most sweeps: nothing to sort
        return trials[0] * survivors
    whole = total(trials)
    if survivors >= len(trials):
        return whole
    lows = sorted(span.low for span in trials)
    highs = sorted(span.high for span in trials)
    expected = whole.expected * survivors / len(trials)
    return Span(sum(lows[:survivors]), expected, sum(highs[len(highs) - survivors :]))


def makespan(seconds: Iterable[float], slots: int) -> float:
    """Return when the last job ends, if each job in this order goes to the first free slot.

    This is list scheduling: Graham, 'Bounds on multiprocessing timing anomalies' (1969).

    >>> makespan([3, 3, 3], 2)
    6.0
    """
    free = [0.0] * slots
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def rung_wall(trials: Sequence[Span], survivors: int, slots: int) -> Span:
    """Return the wall time of a rung with `slots` jobs at a time.

    If the rung has all trials, they start in their order. Otherwise `expected` is for survivors at
    even steps from the fastest to the slowest, `low` for the fastest and `high` for the slowest.
    These start with the fastest job, which is pessimistic: the rung then waits for a long job.
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
