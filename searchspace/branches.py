"""An axis with other values in each branch of a condition: one range per optimizer, for example."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from searchctl.searchspace.dimensions import Choice, Interval, When
from searchctl.searchspace.errors import Path, Problem
from searchctl.searchspace.values import Value, among

Part = Choice | Interval
_MARK = "#"


@dataclass(frozen=True)
class Branches:
    """Dimensions of one setting with conditions that exclude each other."""

    parts: tuple[Part, ...]

    @property
    def when(self) -> When:
        """The condition of the first part: the axis may be absent where no part applies."""
        return self.parts[0].when

    @property
    def size(self) -> int | None:
        """Number of values of all parts; None if they cannot be listed."""
        sizes = [part.size for part in self.parts]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def values(self) -> tuple[Value, ...]:
        """Return the values of all parts.

        Raises:
            SpaceError: those of one cannot be listed.
        """
        return tuple(value for part in self.parts for value in part.values())

    def contains(self, value: object) -> bool:
        """Return whether `value` is a value of some part."""
        return any(part.contains(value) for part in self.parts)

    def examples(self) -> Iterator[tuple[Path, Value]]:
        """Yield the values that a schema must accept, each with its path in the axis."""
        for number, part in enumerate(self.parts):
            for path, value in part.examples():
                yield (number, *(("values",) if isinstance(part, Choice) else ()), *path), value

    def to_config(self) -> object:
        """Return a list of mappings."""
        return [part.to_config() for part in self.parts]

    def problems(self) -> Iterator[Problem]:
        """Yield a problem for each two parts whose conditions do not exclude each other."""
        for (_, one), (number, other) in combinations(enumerate(self.parts), 2):
            if not any(_disjoint(one.when[n], other.when[n]) for n in one.when.keys() & other.when):
                message = (
                    "applies together with another range of this axis: give each range other "
                    "values of one name, such as when: {optimizer: adamw} and when: "
                    "{optimizer: sgd}"
                )
                yield (number, "when"), message


Axis = Part | Branches
"""Type of an axis."""


def flat(axes: Mapping[str, Axis]) -> dict[str, Part]:
    """Return the axes with each part of a branched one under a name of its own."""
    found: dict[str, Part] = {}
    for name, axis in axes.items():
        if isinstance(axis, Branches):
            found |= {f"{name}{_MARK}{number}": part for number, part in enumerate(axis.parts)}
        else:
            found[name] = axis
    return found


def setting(name: str) -> str:
    """Return the setting that a name of `flat` stands for."""
    return name.partition(_MARK)[0]


def path_of(name: str) -> Path:
    """Return the path of a name of `flat`.

    >>> path_of("lr#1"), path_of("lr")
    (('lr', 1), ('lr',))
    """
    axis, _, number = name.partition(_MARK)
    return (axis, int(number)) if number else (axis,)


def _disjoint(one: tuple[Value, ...], other: tuple[Value, ...]) -> bool:
    return not any(among(value, other) for value in one)
