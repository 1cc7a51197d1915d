"""The two kinds of dimension: a choice of listed values, and an interval of numbers."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from searchctl.searchspace.errors import Path, Problem, SpaceError
from searchctl.searchspace.values import Value, among, freeze, text

Number = int | float
When = Mapping[str, tuple[Value, ...]]
"""Condition of an axis: name of another axis or setting -> its values for which this is active."""


@dataclass(frozen=True)
class Dimension(ABC):
    """The values of one axis."""

    when: When = field(default_factory=dict, kw_only=True)

    @property
    @abstractmethod
    def size(self) -> int | None:
        """Number of values; None if they cannot be listed."""

    @abstractmethod
    def values(self) -> tuple[Value, ...]:
        """Return all values in order.

        Raises:
            SpaceError: the values cannot be listed.
        """

    @abstractmethod
    def contains(self, value: object) -> bool:
        """Return whether `value` is one of the values."""

    @abstractmethod
    def at(self, u: float) -> Value:
        """Map a coordinate `u` of the unit interval, 0 <= u < 1, to a value.

        Uniform `u` gives listed values with equal probability, and numbers uniformly on the
        interval's scale.
        """

    @abstractmethod
    def examples(self) -> Iterator[tuple[Path, Value]]:
        """Yield the values that a schema must accept, each with its path in the axis."""

    @abstractmethod
    def to_config(self) -> object:
        """Return the shortest form for YAML or JSON."""


@dataclass(frozen=True)
class Choice(Dimension):
    """Listed values of any type; their order has no meaning.

    Raises:
        SpaceError: there is no value, a value is listed twice, or a value has an invalid type.
    """

    options: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise SpaceError(((), "has no values: list at least one"))
        problems: list[Problem] = []
        values: list[Value] = []
        listed: set[str] = set()
        for index, option in enumerate(self.options):
            try:
                value = freeze(option)
            except ValueError as error:
                problems.append(((index,), str(error)))
                continue
            if text(value) in listed:
                problems.append(((index,), "is listed twice: leave one out"))
            listed.add(text(value))
            values.append(value)
        if problems:
            raise SpaceError(*problems)
        # the dataclass is frozen, and its values are stored in their canonical form
        object.__setattr__(self, "options", tuple(values))

    @property
    def size(self) -> int:
        """Number of values."""
        return len(self.options)

    def values(self) -> tuple[Value, ...]:
        """Return the values in the order in which they were listed."""
        return self.options

    def contains(self, value: object) -> bool:
        """Return whether `value` is one of the listed values."""
        return among(value, self.options)

    def at(self, u: float) -> Value:
        """Map `u`, 0 <= u < 1, to a value; each has the same share of the unit interval."""
        return self.options[int(u * len(self.options))]

    def examples(self) -> Iterator[tuple[Path, Value]]:
        """Yield every value."""
        for index, value in enumerate(self.options):
            yield (index,), value

    def to_config(self) -> object:
        """Return a list, or a mapping if there is a condition."""
        values = list(self.options)
        return {"values": values, "when": dict(self.when)} if self.when else values


@dataclass(frozen=True)
class Interval(Dimension):
    """Numbers from `low` to `high`, both included.

    The numbers are whole if low, high and step are all whole numbers (1, not 1.0). With `log`, the
    logarithm of the numbers is uniform: there are as many between 0.001 and 0.01 as between 0.01
    and 0.1. With `step`, the values are low, low + step, ... up to high, in exact decimals.

    Raises:
        SpaceError: the interval is empty, `log` is set with low <= 0 or with `step`, or the step is
            not positive.
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
            yield (), f"'step' and 'log' cannot be combined: {self._listed()}"
        if self.step is not None and self.step <= 0:
            yield ("step",), "must be above 0"

    def _listed(self) -> str:
        """Return the fix where the step was meant as a factor."""
        values, factor = [self.low], self.step or 0
        while factor > 1 and self.low > 0 and values[-1] * factor <= self.high and len(values) < 20:
            values.append(values[-1] * factor)
        if len(values) < 2:
            return "remove one, or list the values"
        return f"remove one, or list the values: {values}"

    @property
    def whole(self) -> bool:
        """Whether the interval has whole numbers only."""
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
        """Return all values from low to high.

        Raises:
            SpaceError: the interval is of real numbers and has no step.
        """
        if self.size is None:
            fix = "give it a 'step', write a list, or search at random"
            raise SpaceError(((), f"an interval of real numbers has no list of values: {fix}"))
        return tuple(self._nth(n) for n in range(self.size))

    def _nth(self, n: int) -> Value:
        assert self._stride is not None
        number = _exact(self.low) + n * self._stride
        return freeze(int(number) if self.whole else float(number))

    def contains(self, value: object) -> bool:
        """Return whether `value` is a number of the interval, and on its grid if it has a step."""
        # bool is a subclass of int, but true is no number in a sweep.yaml
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if not self.low <= value <= self.high:
            return False
        step = self._stride
        return step is None or (_exact(value) - _exact(self.low)) % step == 0

    def at(self, u: float) -> Value:
        """Map `u`, 0 <= u < 1, to a number, on a logarithmic scale if `log` is set."""
        if self.log:
            return freeze(self._at_log(u))
        if self.size is not None:
            return self._nth(int(u * self.size))
        # rounding may exceed `high` by one unit in the last place
        return freeze(min(self.low + u * (self.high - self.low), self.high))

    @property
    def _log_ends(self) -> tuple[float, float]:
        # each whole number represents half a unit on both sides, so the two ends are not drawn
        # more rarely than the others
        margin = 0.5 if self.whole else 0.0
        return math.log(self.low - margin), math.log(self.high + margin)

    def _at_log(self, u: float) -> Number:
        low, high = self._log_ends
        number = math.exp(low + u * (high - low))
        return max(self.low, min(self.high, round(number) if self.whole else number))

    def position(self, value: Value) -> float:
        """Return a coordinate in [0, 1] that `at` maps to this number of the interval."""
        assert isinstance(value, (int, float))
        if self.log:
            low, high = self._log_ends
            return (math.log(value) - low) / (high - low)
        if self.size is not None and self._stride is not None:
            n = (_exact(value) - _exact(self.low)) / self._stride
            return float((n + Fraction(1, 2)) / self.size)
        return (value - self.low) / (self.high - self.low)

    def examples(self) -> Iterator[tuple[Path, Value]]:
        """Yield the smallest and the largest value; a step may not reach `high`."""
        yield ("low",), self.low
        yield ("high",), self.high if self.size is None else self._nth(self.size - 1)

    def to_config(self) -> object:
        """Return a mapping without the keys that have their default."""
        config: dict[str, object] = {"low": self.low, "high": self.high}
        if self.log:
            config["log"] = True
        if self.step is not None:
            config["step"] = self.step
        if self.when:
            config["when"] = dict(self.when)
        return config


def _exact(number: Number) -> Fraction:
    """Return the exact value of a float's decimal form: 0.1 is one tenth.

    Counting steps in binary floats would lose or add a value at the end of an interval.
    """
    return Fraction(repr(number))


def describe(dimension: Choice | Interval) -> str:
    """Return a short text with the values of a dimension.

    >>> describe(Choice(("unet", "simple_fcn")))
    '"unet" or "simple_fcn"'
    """
    if isinstance(dimension, Interval):
        return f"{dimension.low} to {dimension.high}"
    return " or ".join(text(value) for value in dimension.values())
