"""The form of a pipeline in a sweep.yaml: transforms by name, with their arguments, in a tree.

Compose:
  - HorizontalFlip                       # a name alone has albumentations' defaults
  - RandomScale: {scale_limit: 0.5, p: 1}
  - OneOf: [Blur, MedianBlur]            # or {transforms: [Blur, MedianBlur], p: 0.5}
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from searchctl.searchspace.errors import Path, Problem

INNER = "transforms"
"""The argument that holds the transforms of a container."""


@dataclass(frozen=True)
class Step:
    """A transform of a pipeline, or a container of some."""

    name: str
    arguments: Mapping[str, Any]
    """As written, without the transforms of a container."""
    path: Path
    """Where its arguments are in the pipeline."""
    inner: tuple["Step", ...] | None = None
    """The transforms of a container; None if none are written."""

    def walk(self) -> Iterator["Step"]:
        """Yield this step, then all that it holds, in the order of the file."""
        yield self
        for step in self.inner or ():
            yield from step.walk()


@dataclass
class Read:
    """A pipeline, and what is wrong with its form."""

    steps: list[Step] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read(written: object) -> Read:
    """Return the one step that a written pipeline consists of, or what is wrong with its form."""
    found = Read()
    found.steps += _steps([written], (), found.problems, is_top=True)
    return found


def normal(written: Any) -> Any:
    """Return plain values: lists for tuples, and arguments for every transform.

    >>> normal({"Compose": ("HorizontalFlip", {"Blur": None})})
    {'Compose': [{'HorizontalFlip': {}}, {'Blur': {}}]}
    """
    (step,) = read(written).steps
    return _written(step)


def _written(step: Step) -> dict[str, Any]:
    if step.inner is None:
        return {step.name: _plain(step.arguments)}
    inner = [_written(each) for each in step.inner]
    return {step.name: {**_plain(step.arguments), INNER: inner} if step.arguments else inner}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _steps(
    written: Sequence[object], path: Path, problems: list[Problem], is_top: bool = False
) -> Iterator[Step]:
    for index, each in enumerate(written):
        place = path if is_top else (*path, index)
        if isinstance(each, str):
            yield Step(each, {}, place)
        elif isinstance(each, Mapping) and len(each) == 1:
            yield from _step(*next(iter(each.items())), place, problems)
        else:
            problems.append((place, "must be one transform, such as HorizontalFlip: {p: 0.5}"))


def _step(name: str, given: object, path: Path, problems: list[Problem]) -> Iterator[Step]:
    place = (*path, name)
    if given is None:
        yield Step(name, {}, place)
    elif isinstance(given, (list, tuple)):
        yield Step(name, {}, place, tuple(_steps(given, place, problems)))
    elif not isinstance(given, Mapping):
        problems.append((place, "must be a mapping of arguments, such as {p: 0.5}"))
    elif not isinstance(given.get(INNER, []), (list, tuple)):
        problems.append(((*place, INNER), "must be a list of transforms"))
    else:
        arguments = {key: value for key, value in given.items() if key != INNER}
        held = _steps(given[INNER], (*place, INNER), problems) if INNER in given else None
        yield Step(name, arguments, place, None if held is None else tuple(held))
