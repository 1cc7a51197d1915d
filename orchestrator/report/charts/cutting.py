"""Cuts lines at the limits of an axis, pure: what is beyond is left out and marked."""

from collections.abc import Sequence

from searchctl.orchestrator.report.charts.axes import Point


def pieces(points: Sequence[Point], low: float, high: float) -> list[list[Point]]:
    """Return the parts of a line whose heights are within the limits.

    >>> pieces([(0, 1), (1, 1), (2, 5), (3, 1)], 0, 3)
    [[(0, 1), (1, 1), (1.5, 3)], [(2.5, 3), (3, 1)]]
    """
    found: list[list[Point]] = []
    for place, point in enumerate(points):
        if not low <= point[1] <= high:
            continue
        before = points[place - 1] if place else point
        if not place or not low <= before[1] <= high:
            found.append([] if before == point else [_crossing(before, point, low, high)])
        found[-1].append(point)
        after = points[place + 1] if place + 1 < len(points) else point
        if not low <= after[1] <= high:
            found[-1].append(_crossing(after, point, low, high))
    return found


def beyond(points: Sequence[Point], low: float, high: float) -> list[Point]:
    """Return the points that are above or below the limits."""
    return [point for point in points if not low <= point[1] <= high]


def _crossing(outside: Point, inside: Point, low: float, high: float) -> Point:
    """Return where the way from a point within the limits to one outside crosses a limit."""
    limit = high if outside[1] > high else low
    share = (limit - inside[1]) / (outside[1] - inside[1])
    return inside[0] + share * (outside[0] - inside[0]), limit
