"""The points of a requested cohort: a function of the sweep, its cohorts before, and the seed."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from searchctl.orchestrator.config.checks.where import after_launch
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.draws.points import History, Point, draw, draw_by_model
from searchctl.orchestrator.halving.rule import Direction
from searchctl.orchestrator.storage.rows import CohortRow
from searchctl.searchspace import Params
from searchctl.trainer.core.seeds import derive_seed

if TYPE_CHECKING:
    from searchctl.orchestrator.draws.tpe import ClosedTrial

ClosedTrials = Callable[[Collection[int]], "Sequence[ClosedTrial]"]
"""Returns the trials of closed cohorts, by the numbers of the cohorts."""


def cohort_points(
    sweep: Sweep,
    cohort: CohortRow,
    taken: Collection[Params],
    closed: ClosedTrials,
    direction: Direction,
) -> tuple[list[Point], tuple[int, ...]]:
    """Draw the points of a cohort that follows the first one.

    Args:
        sweep: the settings.
        cohort: its row: how many trials, how they are drawn, and from which cohorts.
        taken: the points of all trials of the cohorts before.
        closed: returns the trials of its sources; called if a model draws.
        direction: whether larger scores are better.

    Returns:
        The points, and the numbers of the trials that a model used.
    """
    space, seed = sweep.space_, cohort.seed
    prior = replace(sweep.prior, allowed=after_launch(sweep.prior.allowed))
    if cohort.method != "tpe" or not cohort.sources:
        return draw(space, cohort.method, cohort.trials, seed, taken, prior), ()
    history = History(
        closed=closed(cohort.sources),
        direction=direction,
        random_share=Fraction(cohort.settings["random_share"]),
        seed=derive_seed(seed, "cohort", cohort.number),
    )
    return draw_by_model(space, cohort.trials, seed, taken, prior, history)
