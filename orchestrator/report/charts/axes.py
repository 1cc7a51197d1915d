"""Maps numbers to positions in a chart, pure: scales, and ticks at round numbers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
_LEAST = 1e-6
"""Differences below this are invisible."""


@dataclass(frozen=True)
class Tick:
    """A position on an axis, and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Scale:
    """Maps `low` to `high` linearly to `start` to `end`; numbers outside go to the nearer end."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the position of a number, rounded to a tenth of a pixel."""
        low, high, at = map(self._turned, (self.low, self.high, value))
        share = 0.5 if low == high else min(max((at - low) / (high - low), 0.0), 1.0)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, count: int = 5) -> list[Tick]:
        """Return about so many ticks at round numbers."""
        if self.log:
            values = _decades(self.low, self.high, count)
            return [Tick(self(value), _written(value, value)) for value in values]
        values = round_numbers(self.low, self.high, count)
        step = min((b - a for a, b in pairwise(values)), default=1.0)
        return [Tick(self(value), _written(value, step)) for value in values]

    def whole_ticks(self, count: int = 5) -> list[Tick]:
        """Return ticks at whole numbers only, at least one."""
        values = [value for value in round_numbers(self.low, self.high, count) if value % 1 == 0]
        middle = float(round((self.low + self.high) / 2))
        return [Tick(self(value), f"{value:,.0f}") for value in values or [middle]]

    def _turned(self, value: float) -> float:
        return math.log10(max(value, 1e-30)) if self.log else value


def scale_over(
    values: Iterable[float], start: float, end: float, *, log: bool = False, margin: float = 0.04
) -> Scale:
    """Return a scale that covers all of these numbers, with a margin."""
    known = list(values) or [0.0, 1.0]
    low, high = min(known), max(known)
    if log:
        return Scale(low / 1.15, high * 1.15, start, end, log=True)
    spare = max((high - low) * margin, 0.1 * abs(high) * (low == high), _LEAST)
    return Scale(low - spare, high + spare, start, end)


def round_numbers(low: float, high: float, count: int) -> list[float]:
    """Return about so many round numbers from `low` to `high`.

    >>> round_numbers(0.03, 0.39, 4)
    [0.1, 0.2, 0.3]
    """
    if high <= low:
        return [low]
    rough = (high - low) / max(count, 1)
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * each for each in (1, 2, 5, 10) if unit * each >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(each * step, 12) for each in range(first, last + 1)]


def fenced(values: Sequence[float], *, higher_is_better: bool) -> tuple[float, float]:
    """Return the range that a chart shows: all numbers except far outliers on the worse side.

    One very bad score would compress all others into a line. The limit is Tukey's outer fence:
    three times the interquartile range ("Exploratory Data Analysis", 1977).
    """
    ordered = sorted(values)
    low, high = ordered[0], ordered[-1]
    first, third = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    reach = 3 * (third - first)
    if not reach:
        return low, high
    return (max(low, first - reach), high) if higher_is_better else (low, min(high, third + reach))


def path(points: Iterable[Point]) -> str:
    """Return an SVG path through these points; a dot for a single one."""
    places = [f"{x:g} {y:g}" for x, y in points]
    return "M" + "L".join(places * 2 if len(places) == 1 else places)


def _decades(low: float, high: float, count: int) -> list[float]:
    """Return 1, 2 and 5 times powers of ten within the range; fewer of them if these are too many.

    >>> _decades(3, 40, 5)
    [5.0, 10.0, 20.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        values = [step * 10.0**power for power in powers for step in steps]
        values = [value for value in values if low <= value <= high]
        if len(values) <= count:
            break
    return values[:: math.ceil(len(values) / count)] if values else [low, high]


def _written(value: float, step: float) -> str:
    """Write a number with enough digits to distinguish it from the next tick.

    >>> _written(0.1, 0.05), _written(2500000.0, 500000.0), _written(20.0, 10.0)
    ('0.10', '2.5M', '20')
    >>> _written(0.00001, 0.00001)
    '1e-05'
    """
    if 0 < abs(value) < 1e-3 and step >= abs(value):
        return f"{value:g}"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1000 if letter == 'k' else size):.3g}{letter}"
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
    return f"{value:.{digits}f}"
