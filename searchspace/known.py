"""Known points: configurations that a user names, some of their values left to a draw."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from searchctl.searchspace.branches import Part, setting
from searchctl.searchspace.checks import is_active
from searchctl.searchspace.dimensions import describe
from searchctl.searchspace.draws.drawing import Allowed, agrees, new_points
from searchctl.searchspace.errors import Problem, unknown
from searchctl.searchspace.params import Params
from searchctl.searchspace.values import Value, freeze, text

Completion = Callable[[Params, int, int, int], Params]
"""Returns a point with the given values: of `(given, seed, number of the known point, index)`."""
_TRIES = 1000
"""Completions of a point that are tried before none is expected to be new and allowed."""


@dataclass(frozen=True)
class Completed:
    """Known points with a value for each axis."""

    points: tuple[Params, ...] = ()
    """Distinct points, in the order in which they are known."""
    given: tuple[Params, ...] = ()
    """The values of each of them that are known."""
    repeated: tuple[int, ...] = ()
    """Positions of the points that are left out because they repeat an earlier one."""
    refused: tuple[int, ...] = ()
    """Positions of the points of which no completion is allowed."""


def completed(
    completion: Completion, known: Sequence[Params], seed: int, allowed: Allowed
) -> Completed:
    """Complete known points by draws of the seed, each with draws of its own."""
    points: dict[Params, Params] = {}
    repeated: list[int] = []
    refused: list[int] = []
    for number, given in enumerate(known):
        tries = new_points(partial(completion, given, seed, number), allowed, _TRIES)
        possible = list(islice(tries, len(points) + 1))
        new = next((point for point in possible if point not in points), None)
        if new is not None and given not in known[:number]:
            points[new] = given
        else:
            (repeated if possible else refused).append(number)
    return Completed(tuple(points), tuple(points.values()), tuple(repeated), tuple(refused))


def point_problems(
    given: Mapping[str, object],
    parts: Mapping[str, Part],
    bundles: Sequence[Params],
    defaults: Mapping[str, Value],
) -> Iterator[Problem]:
    """Yield why these values are no part of a point, each with the name that it is about.

    Args:
        given: the values of a known point.
        parts: the axes of the space, as `flat` returns them.
        bundles: the points of the space.
        defaults: values of the names that are neither an axis nor in a bundle.
    """
    names = list(dict.fromkeys([*(n for each in bundles for n in each), *map(setting, parts)]))
    problems = [*_name_problems(given, names)]
    if problems:
        yield from problems
        return
    point = Params(given)
    if not any(agrees(bundle, point, parts) for bundle in bundles):
        values = {n: point[n] for n in point if n not in set(map(setting, parts))}
        yield (), f"no entry of space.points has {text(freeze(values))}: add one, or change this"
    for name in point:
        mine = [part for key, part in parts.items() if setting(key) == name]
        if mine and (problem := _axis_problem(name, point, mine, names, defaults)):
            yield (name,), problem


def _name_problems(given: Mapping[str, object], names: Sequence[str]) -> Iterator[Problem]:
    for name, value in given.items():
        if name not in names:
            yield (name,), _unknown_axis(name, value, names)
            continue
        try:
            freeze(value)
        except ValueError as error:
            yield (name,), str(error)


def _unknown_axis(name: str, value: object, names: Sequence[str]) -> str:
    message = unknown("axis", name, names)
    if "did you mean" in message:
        return message
    return f"is not searched: leave it out, or add it to space:, such as {name}: [{value}]"


def _axis_problem(
    name: str,
    point: Params,
    parts: Sequence[Part],
    names: Sequence[str],
    defaults: Mapping[str, Value],
) -> str | None:
    """Return why an axis cannot have its value in this point."""
    conditions = dict.fromkeys(other for part in parts for other in part.when)
    if missing := [each for each in conditions if each in names and each not in point]:
        return f"applies only for some values of {' and '.join(missing)}: give these too"
    active = [part for part in parts if is_active(part, point, defaults)]
    if not active:
        return f"does not apply to this point (see its 'when' in space.{name}): leave it out"
    if any(part.contains(point[name]) for part in active):
        return None
    what = " or ".join(map(describe, active))
    outside = f"{text(point[name])} is outside of space.{name}, which is {what}"
    return f"{outside}: widen it, or change this"
