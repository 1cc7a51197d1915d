"""The points of a cohort's trials: the one place where they are drawn.

A draw is a function of its arguments alone, so the same cohorts give the same trials in any order
of results.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from searchctl.searchspace import Params, Space

Origin = Literal["grid", "random", "known", "model"]
"""How a trial's params were found. known: given by the user, or drawn around such a point. model:
drawn by a model of the results so far."""
Method = Literal["grid", "random", "quasi_random"]


@dataclass(frozen=True)
class Point:
    """The params of a new trial, and how they were found."""

    params: Params
    origin: Origin


def draw(
    space: Space, method: Method, count: int | None, seed: int, taken: Collection[Params] = ()
) -> list[Point]:
    """Draw the points of a cohort.

    Random cohorts take the points of one sequence in turn: two cohorts of 18 trials have the points
    of one cohort of 36. There are fewer points than `count` if the space has no more.

    Args:
        space: the space to draw from.
        method: how; a grid has every point.
        count: how many points; not used for a grid.
        seed: the sweep's seed.
        taken: the points of all trials of the cohorts before, which are not drawn again.
    """
    if method == "grid":
        return [Point(params, "grid") for params in space.grid() if params not in taken]
    known = {*taken}
    pool = space.sample(len(known) + (count or 0), seed, method)
    new = [Point(params, "random") for params in pool if params not in known]
    return new[:count]
