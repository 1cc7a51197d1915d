"""The search space: points (bundles of values) crossed with axes, which may be conditional."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice, product
from math import prod
from types import MappingProxyType

from searchctl.searchspace.branches import Axis, Part, flat, setting
from searchctl.searchspace.checks import (
    Check,
    dependency_order,
    is_active,
    schema_problems,
    structure_problems,
)
from searchctl.searchspace.config import POINTS, parse, source_path
from searchctl.searchspace.dimensions import Choice
from searchctl.searchspace.draws.drawing import Allowed, Drawing, anything, new_points
from searchctl.searchspace.draws.sampling import Method
from searchctl.searchspace.errors import Problem, SpaceError
from searchctl.searchspace.known import (
    Completed,
    completed,
    point_problems,
)
from searchctl.searchspace.params import Params
from searchctl.searchspace.values import Record, Value, freeze, same

_MAX_REPEATS = 1000
"""Draws in a row without a new point; after that, sampling takes the remaining points in grid
order."""
_MAX_REFUSED = 5_000
"""The same where some points are not allowed; larger finite spaces are not counted."""

Choose = Callable[[str, Part], Value]
"""Returns a value of a dimension, given the dimension's name and the dimension."""


class Space:
    """A search space: each point of `points` with each combination of the axes' values.

    An axis with a condition (`when`) is active only if another name has one of the given values.
    An inactive axis is absent from the params, so the base settings apply. Params that become equal
    this way count as one point.

    Args:
        axes: the dimensions by name, in the order of the file.
        points: bundles of values that belong together; an empty sequence is one empty bundle.
        defaults: values of names that are neither axes nor in a point, for conditions on them.

    Raises:
        SpaceError: the space is empty, or its parts contradict each other.

    >>> from searchctl.searchspace import Choice
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
        self.defaults = dict(defaults or {})
        if problems := tuple(structure_problems(self.axes, self.points, self.defaults)):
            raise SpaceError(*problems)
        # equal points count once; without points there is one empty bundle to cross with the axes
        self._bundles = tuple(dict.fromkeys(self.points)) or (Params(),)
        self._parts = flat(self.axes)
        self._order = dependency_order(self._parts)
        self._drawing = Drawing(self._parts, self._bundles, self._point)
        named = {name for dimension in self._parts.values() for name in dimension.when}
        self._controllers = tuple(name for name in self._parts if setting(name) in named)

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, object],
        defaults: Mapping[str, Value] | None = None,
        check: Check | None = None,
    ) -> "Space":
        """Parse the `space:` mapping of a sweep.yaml.

        An axis is a list of values, `{low, high, log, step}`, or `{values: [..]}`; the last two
        may have `when: {name: value or list}`, and a list of such mappings has one range for each
        condition. `points` is a list of mappings.

        Raises:
            SpaceError: with all problems of syntax, of the parts together, and of the schema.
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
        """Return the canonical `space:` mapping; equal spaces have equal mappings."""
        config = {name: dimension.to_config() for name, dimension in self.axes.items()}
        return {POINTS: [dict(point) for point in self.points], **config} if self.points else config

    def problems(self, check: Check) -> list[Problem]:
        """Check each axis value (both ends of an interval) and each point against a schema."""
        return list(schema_problems(self.axes, self.points, check))

    @property
    def names(self) -> tuple[str, ...]:
        """All searched names, those of the points first."""
        return tuple(dict.fromkeys([*(name for p in self.points for name in p), *self.axes]))

    @property
    def unbounded(self) -> tuple[str, ...]:
        """Names of the axes with infinitely many values, which a grid cannot list."""
        return tuple(name for name, dimension in self.axes.items() if dimension.size is None)

    @property
    def size(self) -> int | None:
        """Number of distinct points; None if there are infinitely many."""
        if self.unbounded:
            return None
        return sum(prod(len(c) for c in self._positions(branch)) for branch in self._branches())

    def grid(self) -> tuple[Params, ...]:
        """Return each point once, in the order of nested loops.

        The order is that of `itertools.product`: points outermost, then the axes in the order of
        the file, the last one fastest. An inactive axis counts as if it had its first value.

        Raises:
            SpaceError: an axis has infinitely many values.
        """
        if self.unbounded:
            # raises an error with a fix for the first such axis
            self.axes[self.unbounded[0]].values()
        # branches come in another order than nested loops, so each point gets a sort key
        listed = [dimension.values() for dimension in self._parts.values()]
        rank = {bundle: position for position, bundle in enumerate(self._bundles)}
        entries = []
        for branch in self._branches():
            bundle = Params({name: branch[name] for name in branch if name not in self.axes})
            for at in product(*self._positions(branch)):
                values = (values[n] for values, n in zip(listed, at, strict=True))
                params = self._point(bundle, dict(zip(self._parts, values, strict=True)))
                entries.append((rank[bundle], at, params))
        return tuple(params for _, _, params in sorted(entries, key=lambda entry: entry[:2]))

    def _branches(self) -> tuple[Params, ...]:
        """Return the distinct combinations of a bundle and the axes that conditions name.

        A branch determines which axes are active, and no two branches share a point. So points can
        be counted branch by branch without listing them.
        """
        listed = [self._parts[name].values() for name in self._controllers]
        return tuple(
            dict.fromkeys(
                self._point(bundle, dict(zip(self._controllers, values, strict=True)))
                for bundle in self._bundles
                for values in product(*listed)
            )
        )

    def _positions(self, branch: Params) -> list[Sequence[int]]:
        """Return the indices of each axis' values that occur in the branch."""
        return [self._axis_positions(name, branch) for name in self._parts]

    def _axis_positions(self, name: str, branch: Params) -> Sequence[int]:
        dimension = self._parts[name]
        if not is_active(dimension, branch, self.defaults):
            return (0,)
        if name in self._controllers:
            return tuple(
                n for n, v in enumerate(dimension.values()) if same(v, branch[setting(name)])
            )
        return range(dimension.size or 0)

    def _point(self, bundle: Params, values: Mapping[str, Value]) -> Params:
        """Return the bundle together with the values of the active axes."""
        named = [name for name in self._order if name in values]
        return self._filled(bundle, named, lambda name, _: values[name])

    def _filled(self, bundle: Mapping[str, Value], names: Sequence[str], choose: Choose) -> Params:
        # in topological order: a condition needs the values that were chosen before
        chosen = dict(bundle)
        for name in names:
            if is_active(self._parts[name], chosen, self.defaults):
                chosen[setting(name)] = choose(name, self._parts[name])
        return Params(chosen)

    def compose(self, choose: Choose) -> Params:
        """Return the point whose values `choose` returns, called for active dimensions alone.

        The bundle comes first, if there are several: a choice of mappings with the name `points`.
        Each axis comes after the axes that its condition names. Each range of an axis with several
        ranges is a dimension of its own (`lr#1`).
        """
        if len(self._bundles) == 1:
            return self._filled(self._bundles[0], self._order, choose)
        bundle = choose(POINTS, Choice(tuple(freeze(dict(each)) for each in self._bundles)))
        assert isinstance(bundle, Record)
        return self._filled(bundle, self._order, choose)

    def contains(self, params: Mapping[str, object]) -> bool:
        """Return whether `params` is a point of the space."""
        try:
            point = Params(params)
        except ValueError:
            return False
        active = {
            setting(name): axis
            for name, axis in self._parts.items()
            if is_active(axis, point, self.defaults)
        }
        return (
            active.keys() <= set(point)
            and all(axis.contains(point[name]) for name, axis in active.items())
            and Params({n: v for n, v in point.items() if n not in active}) in self._bundles
        )

    def known_problems(self, given: Mapping[str, object]) -> list[Problem]:
        """Return why these values are no part of a point, each with the name that it is about."""
        return list(point_problems(given, self._parts, self._bundles, self.defaults))

    def complete(
        self, known: Sequence[Params], seed: int, allowed: Allowed = anything
    ) -> Completed:
        """Complete known points, which must have no problems, by draws of the seed."""
        return completed(self._drawing.completion, known, seed, allowed)

    def sample(
        self, n: int, seed: int, method: Method = "random", allowed: Allowed = anything
    ) -> tuple[Params, ...]:
        """Return the first n points of `draws`, or all points if there are fewer."""
        return tuple(islice(self.draws(seed, method, allowed), n))

    def draws(
        self, seed: int, method: Method = "random", allowed: Allowed = anything
    ) -> Iterator[Params]:
        """Yield distinct points: every allowed one, if there are finitely many.

        Args:
            seed: seed of the sequence; see `searchctl.searchspace.draws.sampling`.
            method: "random" (independent) or "quasi_random" (Halton's sequence, evenly spread).
            allowed: which points may be drawn. Of infinitely many, the points end where fewer than
                about one in 1,000 is allowed.
        """
        found: set[Params] = set()
        size = self._allowed_size(allowed)
        for point in self._sequence(seed, method, allowed):
            if len(found) == size:
                return
            if point not in found:
                found.add(point)
                yield point

    def draws_near(
        self, centres: Sequence[Params], seed: int, allowed: Allowed = anything
    ) -> Iterator[Params]:
        """Yield distinct points near these points, or parts of points, which take turns."""
        if centres:
            draw = partial(self._drawing.near, centres, seed)
            yield from new_points(draw, allowed, _MAX_REPEATS)

    def _sequence(self, seed: int, method: Method, allowed: Allowed) -> Iterator[Params]:
        limit = _MAX_REPEATS if allowed is anything else _MAX_REFUSED
        yield from new_points(partial(self._drawing.anywhere, method, seed), allowed, limit)
        if not self.unbounded:
            yield from filter(allowed, self.grid())

    def _allowed_size(self, allowed: Allowed) -> int | None:
        """Return the number of allowed points; None if there are infinitely many, or too many."""
        size = self.size
        if allowed is anything or size is None:
            return size
        return sum(map(allowed, self.grid())) if size <= _MAX_REFUSED else None
