"""The distributions of a space's names, and its values, as Optuna holds them."""

from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from searchctl.searchspace import Branches, Choice, Interval, Space
from searchctl.searchspace.branches import Axis
from searchctl.searchspace.values import freeze, text


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Return the Optuna distribution of each searched name."""
    found = {name: _distribution(dimension) for name, dimension in space.axes.items()}
    for name in dict.fromkeys(name for point in space.points for name in point):
        values = dict.fromkeys(plain(point[name]) for point in space.points if name in point)
        found[name] = CategoricalDistribution(list(values))
    return found


def _distribution(dimension: Axis) -> BaseDistribution:
    if isinstance(dimension, Branches):
        return _distribution(_hull(dimension))
    if not isinstance(dimension, Interval):
        return CategoricalDistribution([plain(value) for value in dimension.values()])
    low, high, log_scale, step = dimension.low, dimension.high, dimension.log, dimension.step
    if dimension.whole:
        return IntDistribution(int(low), int(high), log=log_scale, step=int(step or 1))
    return FloatDistribution(float(low), float(high), log=log_scale, step=step)


def _hull(branches: Branches) -> Choice | Interval:
    """Return one dimension that holds the values of all branches: Optuna has one for each name."""
    parts = [part for part in branches.parts if isinstance(part, Interval)]
    if not parts:
        return Choice(tuple({text(value): value for value in branches.values()}.values()))
    low, high = min(part.low for part in parts), max(part.high for part in parts)
    if not all(part.whole for part in parts):
        low, high = float(low), float(high)
    return Interval(low, high, log=all(part.log for part in parts))


def plain(value: Any) -> Any:
    """Return a param as Optuna can hold it: a list or a mapping as its JSON."""
    return text(freeze(value)) if isinstance(value, list | tuple | dict) else value
