"""The space: points (bundles of values) crossed with axes, some of them conditional."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count, product
from math import prod
from types import MappingProxyType

from searchctl.searchspace.checks import (
    Check,
    dependency_order,
    is_active,
    schema_problems,
    structure_problems,
)
from searchctl.searchspace.config import POINTS, parse, source_path
from searchctl.searchspace.dimensions import Axis
from searchctl.searchspace.errors import Problem, SpaceError
from searchctl.searchspace.params import Params
from searchctl.searchspace.sampling import Method, unit_point
from searchctl.searchspace.values import Value, same

_MAX_REPEATS = 1000
"""Draws in a row without a new point after which sampling takes what is left in grid order."""


class Space:
    """What may be tried: every point of `points` with every combination of the axes' values.

    An axis with a condition (`when`) takes part only where another name has one of the given
    values; elsewhere its name is absent from the params, so that the base settings hold. Params
    that become equal by that are one point.

    Args:
        axes: the dimensions by name, in the order of the file.
        points: bundles of values that belong together; none is the same as one empty bundle.
        defaults: values of names that are neither axes nor in a point, for conditions on them.

    Raises:
        SpaceError: the space is empty, or its parts do not fit together.

    >>> from searchspace import Choice
    >>> space = Space({"lr": Choice((0.1, 0.01)), "model": Choice(("fcn", "unet"))})
    >>> space.size, space.grid()[1]
    (4, Params({'lr': 0.1, 'model': 'unet'}))
    """

    def __init__(
        self,
        axes: Mapping[str, Axis],
        points: Sequence[Mapping[str, object]] = (),
        defaults: Mapping[str, Value] | None = None,
    ) -> None:
        self.axes: Mapping[str, Axis] = MappingProxyType(dict(axes))
        self.points = tuple(Params(point) for point in points)
        self._defaults = dict(defaults or {})
        if problems := tuple(structure_problems(self.axes, self.points, self._defaults)):
            raise SpaceError(*problems)
        self._bundles = tuple(dict.fromkeys(self.points)) or (Params(),)
        self._order = dependency_order(self.axes)
        named = {name for dimension in self.axes.values() for name in dimension.when}
        self._controllers = tuple(name for name in self.axes if name in named)

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, object],
        defaults: Mapping[str, Value] | None = None,
        check: Check | None = None,
    ) -> "Space":
        """Read the `space:` of a sweep.yaml.

        An axis is a list of values, `{low, high, log, step}`, or `{values: [..]}`; the last two
        may have `when: {name: value or list}`. `points` is a list of mappings.

        Raises:
            SpaceError: with every problem of the form, of how the parts fit, and of the schema.
        """
        parsed = parse(config)
        parts = (parsed.axes, parsed.points)
        problems = [
            *parsed.problems,
            *structure_problems(*parts, defaults or {}, ignore=parsed.broken),
            *(schema_problems(*parts, check) if check else ()),
        ]
        if problems:
            raise SpaceError(*((source_path(config, path), text) for path, text in problems))
        return cls(parsed.axes, parsed.points, defaults)

    def to_config(self) -> dict[str, object]:
        """Return the canonical `space:` mapping: equal for spaces that are the same."""
        config = {name: dimension.to_config() for name, dimension in self.axes.items()}
        return {POINTS: [dict(point) for point in self.points], **config} if self.points else config

    def problems(self, check: Check) -> list[Problem]:
        """Check every axis value (both ends of an interval) and every point against a schema."""
        return list(schema_problems(self.axes, self.points, check))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that is searched, those of the points first."""
        return tuple(dict.fromkeys([*(name for p in self.points for name in p), *self.axes]))

    @property
    def unbounded(self) -> tuple[str, ...]:
        """Names of the axes whose values have no end: a grid cannot list them."""
        return tuple(name for name, dimension in self.axes.items() if dimension.size is None)

    @property
    def size(self) -> int | None:
        """Number of distinct points; None where there is no end of them."""
        if self.unbounded:
            return None
        return sum(prod(len(c) for c in self._positions(branch)) for branch in self._branches())

    def grid(self) -> tuple[Params, ...]:
        """Return every point once, in the order of nested loops.

        As `itertools.product` has it: points outermost, then the axes in the order of the file,
        the last one fastest. An axis that takes no part counts as standing at its first value.

        Raises:
            SpaceError: an axis has no end of values.
        """
        if self.unbounded:
            # says what to do about the first one
            self.axes[self.unbounded[0]].values()
        listed = [dimension.values() for dimension in self.axes.values()]
        rank = {bundle: position for position, bundle in enumerate(self._bundles)}
        entries = []
        for branch in self._branches():
            bundle = Params({name: branch[name] for name in branch if name not in self.axes})
            for at in product(*self._positions(branch)):
                values = (values[n] for values, n in zip(listed, at, strict=True))
                params = self._point(bundle, dict(zip(self.axes, values, strict=True)))
                entries.append((rank[bundle], at, params))
        return tuple(params for _, _, params in sorted(entries, key=lambda entry: entry[:2]))

    def _branches(self) -> tuple[Params, ...]:
        """Return the distinct choices of a bundle and of the axes that conditions name.

        In a branch it is known which axes take part, and no two branches share a point.
        """
        listed = [self.axes[name].values() for name in self._controllers]
        return tuple(
            dict.fromkeys(
                self._point(bundle, dict(zip(self._controllers, values, strict=True)))
                for bundle in self._bundles
                for values in product(*listed)
            )
        )

    def _positions(self, branch: Params) -> list[Sequence[int]]:
        """Return, for each axis, which of its values occur in the branch."""
        return [self._axis_positions(name, branch) for name in self.axes]

    def _axis_positions(self, name: str, branch: Params) -> Sequence[int]:
        dimension = self.axes[name]
        if not is_active(dimension, branch, self._defaults):
            return (0,)
        if name in self._controllers:
            return tuple(n for n, v in enumerate(dimension.values()) if same(v, branch[name]))
        return range(dimension.size or 0)

    def _point(self, bundle: Params, values: Mapping[str, Value]) -> Params:
        """Return the bundle with those of the axes' values that take part."""
        chosen = dict(bundle)
        for name in self._order:
            if name in values and is_active(self.axes[name], chosen, self._defaults):
                chosen[name] = values[name]
        return Params(chosen)

    def contains(self, params: Mapping[str, object]) -> bool:
        """Is this one of the points?"""
        try:
            point = Params(params)
        except ValueError:
            return False
        active = {n for n, axis in self.axes.items() if is_active(axis, point, self._defaults)}
        return (
            active <= set(point)
            and all(self.axes[name].contains(point[name]) for name in active)
            and Params({n: v for n, v in point.items() if n not in active}) in self._bundles
        )

    def sample(self, n: int, seed: int, method: Method = "random") -> tuple[Params, ...]:
        """Return n distinct points, or all of them where there are fewer.

        A smaller sample of the same seed is the larger one's beginning.

        Args:
            n: how many points.
            seed: of the sequence; see `searchctl.searchspace.sampling` for the sequences.
            method: "random" (independent) or "quasi_random" (Halton's sequence, evenly spread).
        """
        found: dict[Params, None] = {}
        size = self.size
        for params in self._draws(seed, method):
            if len(found) >= n or len(found) == size:
                break
            found[params] = None
        return tuple(found)[:n]

    def _draws(self, seed: int, method: Method) -> Iterator[Params]:
        """Yield points, some of them repeatedly; at the end, if there is one, all have come."""
        seen: set[Params] = set()
        last_new = 0
        for index in count():
            params = self._draw(unit_point(method, seed, index, 1 + len(self.axes)))
            if params not in seen:
                seen.add(params)
                last_new = index
            elif index - last_new > _MAX_REPEATS:
                break
            yield params
        if not self.unbounded:
            yield from self.grid()

    def _draw(self, unit: tuple[float, ...]) -> Params:
        # the axes first: the first coordinates of Halton's sequence are the best spread ones
        *shares, which = unit
        values = {
            name: dimension.at(u)
            for (name, dimension), u in zip(self.axes.items(), shares, strict=True)
        }
        return self._point(self._bundles[int(which * len(self._bundles))], values)
