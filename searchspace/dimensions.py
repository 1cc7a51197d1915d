"""The two kinds of dimension that a space is made of: listed values, and an interval of numbers."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from searchctl.searchspace.errors import Path, Problem, SpaceError
from searchctl.searchspace.values import Value, among, freeze, text

Number = int | float
When = Mapping[str, tuple[Value, ...]]
"""Name of another axis or setting -> the values of it with which an axis takes part."""


@dataclass(frozen=True)
class Dimension(ABC):
    """The values that one axis may take."""

    when: When = field(default_factory=dict, kw_only=True)

    @property
    @abstractmethod
    def size(self) -> int | None:
        """Number of values; None where there is no end of them."""

    @abstractmethod
    def values(self) -> tuple[Value, ...]:
        """Return all values in order.

        Raises:
            SpaceError: there is no end of them.
        """

    @abstractmethod
    def contains(self, value: object) -> bool:
        """Is this one of the values?"""

    @abstractmethod
    def at(self, u: float) -> Value:
        """Return the value at the share `u` of the way through, 0 <= u < 1.

        Uniform `u` gives each listed value alike, and numbers uniformly on the interval's scale.
        """

    @abstractmethod
    def examples(self) -> Iterator[tuple[Path, Value]]:
        """Yield the values a schema has to accept, each with where it is written in the axis."""

    @abstractmethod
    def to_config(self) -> object:
        """Return the shortest form in which this can be written in YAML or JSON."""


@dataclass(frozen=True)
class Choice(Dimension):
    """Listed values of any kind, without an order of their own.

    Raises:
        SpaceError: no value, the same value twice, or a value that cannot be held.
    """

    options: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise SpaceError(((), "has no values: list at least one"))
        problems: list[Problem] = []
        values: list[Value] = []
        for index, option in enumerate(self.options):
            try:
                value = freeze(option)
            except ValueError as error:
                problems.append(((index,), str(error)))
                continue
            if among(value, tuple(values)):
                problems.append(((index,), "is listed twice: leave one out"))
            values.append(value)
        if problems:
            raise SpaceError(*problems)
        object.__setattr__(self, "options", tuple(values))

    @property
    def size(self) -> int:
        """Number of values."""
        return len(self.options)

    def values(self) -> tuple[Value, ...]:
        """Return the values in the order in which they were listed."""
        return self.options

    def contains(self, value: object) -> bool:
        """Is this one of the listed values?"""
        return among(value, self.options)

    def at(self, u: float) -> Value:
        """Return the value at the share `u` of the way through the list."""
        return self.options[int(u * len(self.options))]

    def examples(self) -> Iterator[tuple[Path, Value]]:
        """Yield every value."""
        for index, value in enumerate(self.options):
            yield (index,), value

    def to_config(self) -> object:
        """Return a list, or a mapping where there is a condition."""
        values = list(self.options)
        return {"values": values, "when": dict(self.when)} if self.when else values


@dataclass(frozen=True)
class Interval(Dimension):
    """Numbers from `low` to `high`, both included.

    Whole numbers if low, high and step are all written as whole numbers (1, not 1.0). With `log`,
    numbers are spread evenly over their logarithm: as many between 0.001 and 0.01 as between 0.01
    and 0.1. With `step` there is an end of them: low, low + step, ... to high, exact in decimals.

    Raises:
        SpaceError: an empty interval, 'log' from 0 or below or with 'step', a step of 0 or less.
    """

    low: Number
    high: Number
    log: bool = False
    step: Number | None = None

    def __post_init__(self) -> None:
        if problems := tuple(self._problems()):
            raise SpaceError(*problems)

    def _problems(self) -> Iterator[Problem]:
        if self.low >= self.high:
            yield (), "'low' must be below 'high' (for a single value write a list: [0.1])"
        if self.log and self.low <= 0:
            yield (), "'log' needs low > 0"
        if self.log and self.step is not None:
            yield (), "'step' and 'log' exclude each other: leave one out, or list the values"
        if self.step is not None and self.step <= 0:
            yield ("step",), "must be above 0"

    @property
    def whole(self) -> bool:
        """Does it hold whole numbers only?"""
        return all(isinstance(n, int) for n in (self.low, self.high, self.step) if n is not None)

    @property
    def size(self) -> int | None:
        """Number of values; None for real numbers without a step."""
        step = self._stride
        return None if step is None else int((_exact(self.high) - _exact(self.low)) / step) + 1

    @property
    def _stride(self) -> Fraction | None:
        if self.step is not None:
            return _exact(self.step)
        return Fraction(1) if self.whole else None

    def values(self) -> tuple[Value, ...]:
        """Return all values from low to high; raises SpaceError for real ones without a step."""
        if self.size is None:
            fix = "give it a 'step', write a list, or search at random"
            raise SpaceError(((), f"an interval of real numbers has no list of values: {fix}"))
        return tuple(self._nth(n) for n in range(self.size))

    def _nth(self, n: int) -> Value:
        assert self._stride is not None
        number = _exact(self.low) + n * self._stride
        return freeze(int(number) if self.whole else float(number))

    def contains(self, value: object) -> bool:
        """Is this a number of the interval (and on its steps)?"""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if not self.low <= value <= self.high:
            return False
        step = self._stride
        return step is None or (_exact(value) - _exact(self.low)) % step == 0

    def at(self, u: float) -> Value:
        """Return the number at the share `u` of the way, on a logarithmic scale with `log`."""
        if self.log:
            return freeze(self._at_log(u))
        if self.size is not None:
            return self._nth(int(u * self.size))
        return freeze(min(self.low + u * (self.high - self.low), self.high))

    def _at_log(self, u: float) -> Number:
        # a whole number stands for the half unit on each of its sides, as the ends do
        margin = 0.5 if self.whole else 0.0
        low, high = math.log(self.low - margin), math.log(self.high + margin)
        number = math.exp(low + u * (high - low))
        return max(self.low, min(self.high, round(number) if self.whole else number))

    def examples(self) -> Iterator[tuple[Path, Value]]:
        """Yield the two ends that are reached."""
        yield ("low",), self.low
        yield ("high",), self.high if self.size is None else self._nth(self.size - 1)

    def to_config(self) -> object:
        """Return a mapping with what is not as usual."""
        config: dict[str, object] = {"low": self.low, "high": self.high}
        if self.log:
            config["log"] = True
        if self.step is not None:
            config["step"] = self.step
        if self.when:
            config["when"] = dict(self.when)
        return config


Axis = Choice | Interval
"""What an axis may be."""


def _exact(number: Number) -> Fraction:
    """Return a float as the decimal that it was written as: 0.1 is one tenth."""
    return Fraction(repr(number))


def describe(dimension: Axis) -> str:
    """Say which values there are, in a few words.

    >>> describe(Choice(("unet", "simple_fcn")))
    '"unet" or "simple_fcn"'
    """
    if isinstance(dimension, Interval):
        return f"{dimension.low} to {dimension.high}"
    return " or ".join(text(value) for value in dimension.values())
