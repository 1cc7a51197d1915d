"""The points of a cohort's trials: the one place where they are drawn.

A draw is a function of its arguments alone, so the same cohorts give the same trials in any order
of results.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, islice
from itertools import count as count_up
from typing import TYPE_CHECKING, Literal

from searchctl.orchestrator.halving.rule import Direction
from searchctl.searchspace import Params, Space
from searchctl.searchspace.draws.drawing import Allowed, anything
from searchctl.searchspace.known import Completed

if TYPE_CHECKING:
    from searchctl.orchestrator.draws.tpe import ClosedTrial

Origin = Literal["grid", "random", "known", "near", "model"]
"""How a trial's params were found. known: given by the user. near: drawn near such a point. model:
drawn by a model of the results so far."""


@dataclass(frozen=True)
class Point:
    """The params of a new trial, and how they were found."""

    params: Params
    origin: Origin


@dataclass(frozen=True)
class Prior:
    """What is known of a space before any result."""

    known: Completed = field(default_factory=Completed)
    """Points to try in any case."""
    share: Fraction = field(default_factory=Fraction)
    """Share of the other points that is drawn near a known one."""
    allowed: Allowed = anything
    """Which points may be trials."""


NO_PRIOR = Prior()


@dataclass(frozen=True)
class History:
    """What a model learns from when it draws a cohort."""

    closed: Sequence["ClosedTrial"]
    """The trials of the cohorts that it is drawn from."""
    direction: Direction
    random_share: Fraction
    """Share of the points that is drawn at random."""
    seed: int
    """Seed of the model's draws, another one for each cohort."""


def draw_by_model(
    space: Space,
    count: int,
    seed: int,
    taken: Collection[Params],
    prior: Prior,
    history: History,
) -> tuple[list[Point], tuple[int, ...]]:
    """Draw the points of a cohort: some by a model of closed trials, the others as `draw` does.

    All are drawn as `draw` does while too few trials have a score. The arguments are those of
    `draw`.

    Returns:
        The points, and the numbers of the trials that the model used.
    """
    from searchctl.orchestrator.draws import tpe  # imports Optuna

    found = tpe.draw(
        space,
        history.closed,
        count - int(count * history.random_share),
        seed=history.seed,
        direction=history.direction,
        taken=taken,
        random_share=Fraction(0),
        allowed=prior.allowed,
    )
    learned = found.points[: len(found.points) - found.random]
    others = draw(space, "random", count - len(learned), seed, [*taken, *learned], prior)
    return [*(Point(params, "model") for params in learned), *others], found.sources


def draw(
    space: Space,
    method: str,
    count: int | None,
    seed: int,
    taken: Collection[Params] = (),
    prior: Prior = NO_PRIOR,
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
        prior: points to try first, where to draw more often, and which points to leave out.
    """
    sequence: Literal["random", "quasi_random"] = "random"
    if method == "quasi_random":
        sequence = "quasi_random"
    points = _grid(space, prior) if method == "grid" else _mixed(space, sequence, seed, prior)
    found = {*taken}
    new = (point for point in points if point.params not in found)
    return list(islice(new, None if method == "grid" else count))


def _grid(space: Space, prior: Prior) -> Iterator[Point]:
    known = prior.known.points
    yield from (Point(params, "known") for params in known)
    others = (params for params in space.grid() if params not in known)
    yield from (Point(params, "grid") for params in others if prior.allowed(params))


def _mixed(
    space: Space, method: Literal["random", "quasi_random"], seed: int, prior: Prior
) -> Iterator[Point]:
    """Yield distinct points: the known ones, then some near these among others from anywhere."""
    yield from (Point(params, "known") for params in prior.known.points)
    found = {*prior.known.points}
    anywhere = (Point(p, "random") for p in space.draws(seed, method, prior.allowed))
    near = (Point(p, "near") for p in space.draws_near(prior.known.given, seed, prior.allowed))
    for turn in count_up():
        has_turn = int((turn + 1) * prior.share) > int(turn * prior.share)
        sources = chain(near, anywhere) if has_turn else anywhere
        point = next((each for each in sources if each.params not in found), None)
        if point is None:
            return
        found.add(point.params)
        yield point
