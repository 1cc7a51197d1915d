"""Parses the `space:` mapping of a sweep.yaml into dimensions and points; collects all problems.

The name of an axis may lead into a setting that is a mapping itself: `model_args.depth`. It may be
written in one piece, or as a mapping below the setting's name: `model_args: {depth: [3, 4]}`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from searchctl.searchspace.branches import Axis, Branches, Part
from searchctl.searchspace.dimensions import Choice, Interval, When
from searchctl.searchspace.errors import Path, Problem, SpaceError, unknown
from searchctl.searchspace.foreign import line_for
from searchctl.searchspace.values import Value, freeze

POINTS = "points"
"""The only key of a space that is not the name of an axis."""
_CHOICE_KEYS = ("values", "when")
_INTERVAL_KEYS = ("low", "high", "log", "step", "when")
_AXIS_KEYS = {*_CHOICE_KEYS, *_INTERVAL_KEYS}


@dataclass
class Parsed:
    """The parsed parts of a space, and the problems of the others."""

    axes: dict[str, Axis] = field(default_factory=dict)
    points: list[dict[str, Value]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    """Names of the axes with a problem; 'points' stands for a problem in the points."""

    def reject(self, name: str, problems: tuple[Problem, ...]) -> None:
        """Record the problems of one axis; their paths are relative to it."""
        self.broken.add(name)
        self.problems += [((name, *path), message) for path, message in problems]


def parse(config: Mapping[str, object]) -> Parsed:
    """Parse all axes and points; problems are collected, never raised."""
    parsed = Parsed()
    for path, written in _axes(config):
        name = ".".join(path)
        try:
            if name == POINTS:
                parsed.points = _points(written)
            elif name in parsed.axes:
                raise SpaceError(((), "is written twice: keep one of the two"))
            elif line := line_for(name, written):
                raise SpaceError(((), f"is written as in other tools: write `{line}`"))
            else:
                parsed.axes[name] = _dimension(written)
        except SpaceError as error:
            parsed.reject(name, error.problems)
    return parsed


def source_path(config: Mapping[str, object], path: Path) -> Path:
    """Return the path of a value in the file.

    An axis may have its list below the key 'values', and its name may be spread over keys.
    """
    name, *rest = path or ("",)
    for keys, written in _axes(config):
        if ".".join(keys) == name:
            listed = rest and isinstance(rest[0], int) and isinstance(written, Mapping)
            return (*keys, "values", *rest) if listed else (*keys, *rest)
    return path


def _axes(config: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield the keys that lead to each axis, and what is written there."""
    for name, written in config.items():
        if isinstance(written, Mapping) and _is_nested(written):
            yield from (((name, *keys), axis) for keys, axis in _axes(written))
        else:
            yield (name,), written


def _is_nested(written: Mapping[str, object]) -> bool:
    """Does the mapping hold axes, and is no axis itself?"""
    parts = all(isinstance(value, (list, Mapping)) for value in written.values())
    return bool(written) and parts and not _AXIS_KEYS & written.keys()


def _points(written: object) -> list[dict[str, Value]]:
    if not isinstance(written, list) or not written:
        raise SpaceError(((), "must be a list of points, such as [{model: unet, lr: 0.001}]"))
    problems: list[Problem] = []
    points: list[dict[str, Value]] = []
    for index, point in enumerate(written):
        try:
            points.append(_point(point))
        except SpaceError as error:
            problems += [((index, *path), message) for path, message in error.problems]
    if problems:
        raise SpaceError(*problems)
    return points


def _point(written: object) -> dict[str, Value]:
    if not isinstance(written, Mapping):
        raise SpaceError(((), "must be a mapping of names to values, such as {model: unet}"))
    return {name: _value(value, (name,)) for name, value in written.items()}


def _value(written: object, path: Path) -> Value:
    try:
        return freeze(written)
    except ValueError as error:
        raise SpaceError((path, str(error))) from None


def _dimension(written: object) -> Axis:
    if isinstance(written, list) and written and all(map(_is_range, written)):
        return _branches(written)
    if isinstance(written, list):
        return Choice(tuple(written))
    if not isinstance(written, Mapping):
        fix = f"put it under training, or write a list: [{written}]"
        raise SpaceError(((), f"a single value leaves nothing to search: {fix}"))
    return _part(written)


def _part(written: Mapping[str, object]) -> Part:
    return _choice(written) if "values" in written else _interval(written)


def _is_range(written: object) -> bool:
    """Is it one of several ranges of an axis, and no mapping that is a value?"""
    return isinstance(written, Mapping) and (
        {"low", "high"} <= written.keys() or {"values", "when"} <= written.keys()
    )


def _branches(written: list[Mapping[str, object]]) -> Branches:
    parts: list[Part] = []
    problems: list[Problem] = []
    for number, each in enumerate(written):
        try:
            parts.append(_part(each))
        except SpaceError as error:
            problems += [((number, *path), message) for path, message in error.problems]
        if "when" not in each:
            fix = "say which range applies where, such as when: {optimizer: adamw}"
            problems.append(((number,), f"'when' is missing: {fix}"))
    if len({type(part) for part in parts}) > 1:
        problems.append(((), "mixes ranges and lists of values: write one kind"))
    if problems:
        raise SpaceError(*problems)
    return Branches(tuple(parts))


def _choice(written: Mapping[str, object]) -> Choice:
    values = written["values"]
    problems = _unknown_keys(written, _CHOICE_KEYS)
    if not isinstance(values, list):
        problems.append((("values",), f"must be a list: [{values}]"))
    if problems or not isinstance(values, list):
        raise SpaceError(*problems)
    return Choice(tuple(values), when=_when(written))


def _interval(written: Mapping[str, object]) -> Interval:
    if problems := [*_unknown_keys(written, _INTERVAL_KEYS), *_interval_problems(written)]:
        raise SpaceError(*problems)
    bounds = {key: value for key, value in written.items() if key != "when"}
    return Interval(**bounds, when=_when(written))  # type: ignore[arg-type]  # checked above


def _unknown_keys(written: Mapping[str, object], known: tuple[str, ...]) -> list[Problem]:
    return [((key,), unknown("key", key, known)) for key in written if key not in known]


def _interval_problems(written: Mapping[str, object]) -> Iterator[Problem]:
    for key in ("low", "high"):
        if key not in written:
            yield (), f"'{key}' is missing: write {{low: .., high: ..}}, or a list of values"
    for key in ("low", "high", "step"):
        if key in written and not _is_number(written[key]):
            yield (key,), f"must be a number, not {written[key]!r}"
    if not isinstance(written.get("log", False), bool):
        yield ("log",), "must be true or false"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _when(written: Mapping[str, object]) -> When:
    when = written.get("when", {})
    if not isinstance(when, Mapping) or ("when" in written and not when):
        raise SpaceError((("when",), "must be a mapping of names to values, such as {model: unet}"))
    return {name: _allowed(value, name) for name, value in when.items()}


def _allowed(written: object, name: str) -> tuple[Value, ...]:
    value = _value(written, ("when", name))
    if value == ():
        raise SpaceError((("when", name), "has no values: list at least one"))
    return value if isinstance(value, tuple) else (value,)
