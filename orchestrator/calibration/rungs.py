"""How well each rung ranks configurations, judged by full trainings with other seeds; pure."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from searchctl.orchestrator.calibration.table import (
    Measured,
    Resampling,
    Scores,
    ScoreTable,
    Statistic,
)
from searchctl.orchestrator.halving.rule import keep_count


@dataclass(frozen=True)
class RungTrust:
    """How far the scores of a rung can be trusted."""

    fraction: Fraction
    correlation: Measured
    """Kendall's tau-b with the mean full score of the other seeds, mean over the seeds."""
    lost: Measured
    """How much lower it is than that of the full score itself, whose seed is another one too."""
    survived: int
    """Seeds with which the best configuration by the other seeds is above the first cut."""
    seeds: int


def trust_of_rungs(table: ScoreTable, resampling: Resampling, eta: int) -> list[RungTrust]:
    """Return how far each rung can be trusted, from the lowest to the last."""
    rungs = range(len(table.fractions))
    taus = [resampling.numbers(_correlation(table, rung)) for rung in rungs]
    return [
        RungTrust(
            table.fractions[rung],
            resampling.measured(taus[rung], len(rungs)),
            resampling.measured(taus[-1] - taus[rung], len(rungs) - 1),
            _survived(table, rung, eta),
            table.seeds,
        )
        for rung in rungs
    ]


def _correlation(table: ScoreTable, rung: int) -> Statistic:
    """Return how to compute a rung's rank correlation for resamples of the configurations."""

    def of(drawn: NDArray[np.intp]) -> Scores:
        weights = (drawn[:, :, None] == np.arange(table.configurations)).sum(axis=1).astype(float)
        per_seed = [
            _tau(table.scores[seed, rung], table.judged(seed), weights)
            for seed in range(table.seeds)
        ]
        return np.asarray(np.mean(per_seed, axis=0))

    return of


def _tau(one: Scores, other: Scores, weights: Scores) -> Scores:
    """Return Kendall's tau-b of two rankings for each row of weights; 0 where one is constant.

    A configuration that was drawn twice is tied with itself, and such pairs do not count.
    """
    a, b = (np.sign(scores[:, None] - scores[None, :]) for scores in (one, other))
    pairs = [_pairs(each, weights) for each in (a * b, a * a, b * b)]
    bounds = np.sqrt(pairs[1] * pairs[2])
    return np.divide(pairs[0], bounds, out=np.zeros_like(bounds), where=bounds > 0)


def _pairs(signs: Scores, weights: Scores) -> Scores:
    return np.asarray(np.einsum("ri,ij,rj->r", weights, signs, weights, optimize=True))


def _survived(table: ScoreTable, rung: int, eta: int) -> int:
    kept = keep_count(table.configurations, eta=eta, finalists=1)
    best = [int(np.argmax(table.judged(seed))) for seed in range(table.seeds)]
    order = np.argsort(-table.scores[:, rung], axis=1, kind="stable")
    return sum(best[seed] in order[seed, :kept] for seed in range(table.seeds))
