"""Which searched params matter for being among the best trials of a rung."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.halving.rule import Direction
from searchctl.orchestrator.search.distributions import plain
from searchctl.orchestrator.statistics.ped_anova import Binned, ped_anova

LEAST_TRIALS = 8
"""Minimum number of trials. With fewer, the importances are mostly noise."""
_MOST_BINS = 50
"""Most bins of a number, as many as Optuna's evaluator has."""
_BEST = 5
"""Minimum number of trials in the best group, as the evaluator's documentation recommends."""


@dataclass(frozen=True)
class Scored:
    """The params of a trial, and its score."""

    params: Mapping[str, Any]
    score: float


@dataclass(frozen=True)
class Importance:
    """Importance of each param for reaching the best group of a rung."""

    rung: int
    trials: int
    """Number of trials with a score on the rung."""
    best: int
    """Number of trials in the best group."""
    shares: dict[str, float]
    """Importance by param name, the largest first. They sum to 1."""


def importance(
    trials: Sequence[Scored],
    distributions: Mapping[str, BaseDistribution],
    direction: Direction,
    rung: int,
) -> Importance:
    """Return the importance of each param. The result is deterministic.

    Args:
        trials: all trials of a rung that have a score; at least LEAST_TRIALS.
        distributions: distribution of every searched name, from `study.distributions`.
        direction: whether larger scores are better.
        rung: number of the rung.

    Raises:
        SearchctlError: so many trials tie that the best group would contain all of them.
    """
    share = min(0.5, max(0.1, _BEST / len(trials)))
    losses = np.array([trial.score for trial in trials]) * (-1 if direction == "maximize" else 1)
    cutoff = np.sort(losses)[math.ceil(share * len(trials)) - 1]
    if cutoff == losses.max():
        raise SearchctlError(
            f"The trials of rung {rung} tie, so there is no group of best trials to compare with."
        )
    present = {name for trial in trials for name in trial.params}
    params = {
        name: _binned(name, of, trials) for name, of in distributions.items() if name in present
    }
    shares = ped_anova(params, losses <= cutoff)
    return Importance(rung, len(trials), round(share * len(trials)), shares)


def _binned(name: str, distribution: BaseDistribution, trials: Sequence[Scored]) -> Binned:
    """Return the bin of each trial's value of a param."""
    has = np.array([name in trial.params for trial in trials])
    values = [plain(trial.params[name]) for trial in trials if name in trial.params]
    bins = np.full(len(trials), -1)
    if isinstance(distribution, CategoricalDistribution):
        place = {repr(choice): number for number, choice in enumerate(distribution.choices)}
        bins[has] = [place[repr(value)] for value in values]
        return Binned(bins, len(place), ordered=False)
    if not isinstance(distribution, IntDistribution | FloatDistribution):
        raise TypeError(f"no bins for {distribution}")
    count = _bins(distribution)
    bins[has] = _nearest(np.array(values, dtype=np.float64), distribution, count)
    return Binned(bins, count, ordered=True)


def _bins(distribution: IntDistribution | FloatDistribution) -> int:
    """Return the number of bins of a number's range: one for each value, or _MOST_BINS."""
    if distribution.single():
        return 1
    if isinstance(distribution, IntDistribution) and distribution.log:
        wide = distribution.high - distribution.low + 1
        return min(math.ceil(math.log2(wide)) + 1, _MOST_BINS)
    if distribution.step is not None:
        values = round((distribution.high - distribution.low) / distribution.step) + 1
        return min(values, _MOST_BINS)
    return _MOST_BINS


def _nearest(
    values: NDArray[np.float64], distribution: IntDistribution | FloatDistribution, count: int
) -> NDArray[np.int64]:
    """Return the nearest bin of each value, int64 like `values`; of two, the lower one."""
    low, high = float(distribution.low), float(distribution.high)
    if distribution.log:
        low, high, values = math.log(low), math.log(high), np.log(values)
    if count == 1:
        return np.zeros(len(values), dtype=np.int64)
    places = np.ceil((values - low) / ((high - low) / (count - 1)) - 0.5)
    found: NDArray[np.int64] = np.clip(places, 0, count - 1).astype(np.int64)
    return found
