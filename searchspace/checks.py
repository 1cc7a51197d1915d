"""Validation of parsed axes and points: against each other, and against the caller's schema."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from searchctl.searchspace.branches import Axis, Branches, Part, flat, path_of, setting
from searchctl.searchspace.dimensions import Choice, Dimension, describe
from searchctl.searchspace.errors import Path, Problem, unknown
from searchctl.searchspace.values import Value, among

Axes = Mapping[str, Axis]
Points = Sequence[Mapping[str, Value]]
Check = Callable[[Mapping[str, object]], Sequence[tuple[str, str]]]
"""A schema: takes settings, and returns (name, problem and fix) for each invalid one."""


def schema_problems(axes: Axes, points: Points, check: Check) -> Iterator[Problem]:
    """Yield the problems of each axis value (both ends of an interval) and of each point."""
    for name, dimension in axes.items():
        yield from _axis_problems(name, dimension, check)
    for index, point in enumerate(points):
        for name, message in check(point):
            yield ("points", index, name), message


def _axis_problems(name: str, dimension: Axis, check: Check) -> list[Problem]:
    examples = list(dimension.examples())
    found = [
        ((name, *path), message) for path, value in examples for _, message in check({name: value})
    ]
    messages = {message for _, message in found}
    # the same problem with every value is a problem of the axis, such as an unknown name
    if len(messages) == 1 and len(found) == len(examples):
        return [((name,), messages.pop())]
    return found


def structure_problems(
    axes: Axes, points: Points, defaults: Mapping[str, Value], ignore: Collection[str] = ()
) -> Iterator[Problem]:
    """Yield the problems between axes, points and conditions.

    Args:
        axes: the dimensions by name.
        points: the bundles of values that are crossed with the axes.
        defaults: values of the names that are neither an axis nor in a point.
        ignore: names of malformed axes, which are absent from `axes`.
    """
    if not axes and not points and not ignore:
        yield (), "nothing is searched: add an axis, such as lr: [0.001, 0.0001]"
    for index, point in enumerate(points):
        for name in point:
            if name in axes:
                yield ("points", index, name), f"'{name}' is an axis too: keep one of the two"
    yield from _when_problems(axes, points, defaults, ignore)


def _when_problems(
    axes: Axes, points: Points, defaults: Mapping[str, Value], ignore: Collection[str]
) -> Iterator[Problem]:
    for name, axis in axes.items():
        if isinstance(axis, Branches):
            yield from (((name, *path), message) for path, message in axis.problems())
    parts = flat(axes)
    for name, part in parts.items():
        for other in part.when:
            if other not in ignore:
                allowed = part.when[other]
                of_axis = _condition_problems(name, other, allowed, axes, points, defaults)
                yield from (((*path_of(name), "when", *path), text) for path, text in of_axis)
    for name in sorted(set(parts) - set(dependency_order(parts))):
        yield (
            (*path_of(name), "when"),
            "depends on a cycle of conditions: remove one of them",
        )


def _condition_problems(
    name: str,
    other: str,
    allowed: tuple[Value, ...],
    axes: Axes,
    points: Points,
    defaults: Mapping[str, Value],
) -> Iterator[tuple[Path, str]]:
    known = {*axes, *defaults, *(field for point in points for field in point)}
    if other not in known:
        yield (other,), unknown("name", other, sorted(known - {setting(name)}))
        return
    if other in axes and axes[other].size is None:
        yield (other,), f"depends on '{other}', which is an interval: list its values or its step"
        return
    possible = list(_possible(other, axes, points, defaults))
    for value in allowed:
        if not any(dimension.contains(value) for dimension in possible):
            what = " or ".join(dict.fromkeys(map(describe, possible)))
            yield (other,), f"'{other}' is never {value!r} in this sweep, it is {what}"


def _possible(
    name: str, axes: Axes, points: Points, defaults: Mapping[str, Value]
) -> Iterator[Part]:
    """Yield the possible values of `name`: those of its axis, of the points, and its default."""
    if name in axes:
        yield from flat({name: axes[name]}).values()
    for point in points:
        if name in point:
            yield Choice((point[name],))
    # the default applies only where neither the axis nor the point sets a value
    everywhere = (name in axes and not axes[name].when) or (
        bool(points) and all(name in point for point in points)
    )
    if name in defaults and not everywhere:
        yield Choice((defaults[name],))


def dependency_order(parts: Mapping[str, Part]) -> tuple[str, ...]:
    """Return the axes in topological order: each comes after the axes that its condition names.

    Axes in a cycle of conditions are left out.

    Args:
        parts: the axes, as `flat` returns them.
    """
    ordered: list[str] = []
    waiting = list(parts)
    while ready := [
        name for name in waiting if not set(map(setting, waiting)) & set(parts[name].when)
    ]:
        ordered += ready
        waiting = [name for name in waiting if name not in ready]
    return tuple(ordered)


def is_active(
    dimension: Dimension, chosen: Mapping[str, Value], defaults: Mapping[str, Value]
) -> bool:
    """Return whether an axis is active, given the chosen values and the defaults of other names."""
    return all(
        among(chosen.get(name, defaults.get(name)), allowed)
        for name, allowed in dimension.when.items()
    )
