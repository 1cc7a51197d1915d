"""Draws of points: from the whole space, near known points, and completions of known points."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from searchctl.searchspace.branches import Part, setting
from searchctl.searchspace.draws.near import near, near_item
from searchctl.searchspace.draws.sampling import Method, unit_point
from searchctl.searchspace.params import Params
from searchctl.searchspace.values import Value, same

Allowed = Callable[[Params], bool]
"""Returns whether a point may be a trial."""
PickValue = Callable[[str, Part, float], Value]
"""Maps a setting, the part of its axis, and a coordinate of the unit interval to a value."""
PickBundle = Callable[[float], Params]
"""Maps a coordinate of the unit interval to a bundle."""


@dataclass(frozen=True)
class Drawing:
    """Draws points of a product of bundles and axes. Each depends on its arguments only."""

    parts: Mapping[str, Part]
    """The axes, as `flat` returns them."""
    bundles: Sequence[Params]
    point: Callable[[Params, Mapping[str, Value]], Params]
    """Makes a point of a bundle and a value for each part, those of inactive axes left out."""

    def anywhere(self, method: Method, seed: int, index: int) -> Params:
        """Return a point of the whole space."""
        return self._draw(self._unit(method, seed, index), _at, self._any_bundle)

    def near(self, centres: Sequence[Params], seed: int, index: int) -> Params:
        """Return a point near one of these points or parts of points, which take turns."""
        centre = centres[index % len(centres)]
        own = self._bundles_with(centre)

        def value(name: str, part: Part, u: float) -> Value:
            is_known = name in centre and part.contains(centre[name])
            return near(part, centre[name], u) if is_known else part.at(u)

        unit = self._unit("random", f"{seed}/near", index)
        return self._draw(unit, value, lambda u: near_item(self.bundles, own[index % len(own)], u))

    def completion(self, given: Params, seed: int, number: int, index: int) -> Params:
        """Return a point with the given values of known point `number`, the others drawn."""
        bundles = self._bundles_with(given)

        def value(name: str, part: Part, u: float) -> Value:
            fixed = name in given and part.contains(given[name])
            return given[name] if fixed else part.at(u)

        unit = self._unit("random", f"{seed}/known/{number}", index)
        return self._draw(unit, value, lambda u: bundles[int(u * len(bundles))])

    def _bundles_with(self, point: Params) -> list[Params]:
        return [each for each in self.bundles if agrees(each, point, self.parts)]

    def _any_bundle(self, u: float) -> Params:
        return self.bundles[int(u * len(self.bundles))]

    def _unit(self, method: Method, seed: int | str, index: int) -> tuple[float, ...]:
        return unit_point(method, seed, index, 1 + len(self.parts))

    def _draw(self, unit: tuple[float, ...], value: PickValue, bundle: PickBundle) -> Params:
        # the axes take the first coordinates, in which Halton's sequence is spread best
        *shares, which = unit
        values = {
            name: value(setting(name), part, u)
            for (name, part), u in zip(self.parts.items(), shares, strict=True)
        }
        return self.point(bundle(which), values)


def agrees(bundle: Params, point: Params, parts: Mapping[str, Part]) -> bool:
    """Return whether a bundle may be completed with, or is that of, the values of a point."""
    axes = set(map(setting, parts))
    return all(name in bundle for name in point if name not in axes) and all(
        same(bundle[name], point[name]) for name in bundle if name in point
    )


def anything(_point: Params) -> bool:
    """Allow every point."""
    return True


def _at(_name: str, part: Part, u: float) -> Value:
    return part.at(u)


def new_points(draw: Callable[[int], Params], allowed: Allowed, limit: int) -> Iterator[Params]:
    """Yield the distinct allowed points of a sequence; end after `limit` draws without another.

    Args:
        draw: returns the point of an index.
        allowed: which points are yielded.
        limit: how many draws in a row may give no new point.
    """
    seen: set[Params] = set()
    last_new = 0
    for index in count():
        if index > last_new + 1 + limit:
            return
        params = draw(index)
        if params not in seen and allowed(params):
            seen.add(params)
            last_new = index
            yield params
