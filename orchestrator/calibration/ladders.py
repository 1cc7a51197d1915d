"""What ladders over measured configurations lose against the best of them; pure.

A choice that was made with one seed is judged by the mean full score of the others. The drawn
configurations climb alone: a larger sweep cuts its best ones on higher rungs, so it loses less.
"""

from collections.abc import Sequence
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
class Choice:
    """A ladder that can be played on the measured rungs."""

    eta: int
    finalists: int
    rungs: tuple[int, ...]
    """Positions of its rungs among the measured ones; the last is the last of these."""
    full_trainings: Fraction
    """Its cost for all trials of the sweep, in units of one training on all of the data."""

    def counts(self, trials: int) -> list[int]:
        """Return the number of trials on each of its rungs, if it starts with so many."""
        last = trials if len(self.rungs) == 1 else min(self.finalists, trials)
        counts = [trials]
        for _ in self.rungs[1:]:
            counts.append(keep_count(counts[-1], eta=self.eta, finalists=last))
        return [*counts[:-1], last]


@dataclass(frozen=True)
class Loss:
    """What a ladder lost."""

    choice: Choice
    lowest: Fraction
    """Fraction of its lowest rung."""
    loss: Measured
    """Score of the best configuration minus that of the chosen one, mean over the seeds."""
    against_yours: Measured
    """Its loss minus that of the ladder of the sweep file; positive: it loses more."""


def losses(table: ScoreTable, resampling: Resampling, ladders: Sequence[Choice]) -> list[Loss]:
    """Return the loss of each ladder; the first one is that of the sweep file."""
    numbers = [resampling.numbers(_loss(table, choice)) for choice in ladders]
    compared = max(1, len(ladders) - 1)
    return [
        Loss(
            choice,
            table.fractions[choice.rungs[0]],
            resampling.measured(found, compared),
            resampling.measured(found - numbers[0], compared),
        )
        for choice, found in zip(ladders, numbers, strict=True)
    ]


def _loss(table: ScoreTable, choice: Choice) -> Statistic:
    def of(drawn: NDArray[np.intp]) -> Scores:
        per_seed = []
        for seed in range(table.seeds):
            judged = table.judged(seed)[drawn]
            chosen = _chosen(table.scores[seed][:, drawn], choice)
            found = np.take_along_axis(judged, chosen[:, None], axis=1)[:, 0]
            per_seed.append(judged.max(axis=1) - found)
        return np.asarray(np.mean(per_seed, axis=0))

    return of


def _chosen(scores: Scores, choice: Choice) -> NDArray[np.intp]:
    """Return the position of the configuration that a ladder chooses in each resample.

    Args:
        scores: with one seed, [rungs, resamples, configurations].
        choice: the ladder.
    """
    alive = np.ones(scores.shape[1:], dtype=bool)
    counts = choice.counts(scores.shape[2])
    for rung, kept in zip(choice.rungs, [*counts[1:], 1], strict=True):
        ranked = np.argsort(-np.where(alive, scores[rung], -np.inf), axis=1, kind="stable")
        alive = np.zeros_like(alive)
        np.put_along_axis(alive, ranked[:, :kept], True, axis=1)
    return np.asarray(np.argmax(alive, axis=1))
