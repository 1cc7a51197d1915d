"""The scores of a calibration, pure: every configuration on every rung with every seed."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Scores = NDArray[np.float64]
RESAMPLES = 1000
LEVEL = 0.05
"""Chance that a difference counts as shown where there is none: of all that are compared."""


@dataclass(frozen=True)
class ScoreTable:
    """Scores where higher is better, float64 [seeds, rungs, configurations], all of them finite."""

    fractions: tuple[Fraction, ...]
    """Of the rungs, the last one 1."""
    scores: Scores

    @property
    def configurations(self) -> int:
        """Number of configurations."""
        return int(self.scores.shape[2])

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return int(self.scores.shape[0])

    def judged(self, seed: int) -> Scores:
        """Return each configuration's mean full score over the other seeds, [configurations].

        A choice is never judged by the seed that made it: the best of many scores is too high.
        """
        others = np.delete(self.scores[:, -1], seed, axis=0)
        return np.asarray(others.mean(axis=0))

    @property
    def deviation(self) -> float:
        """Standard deviation of the mean full scores between configurations."""
        return float(self.scores[:, -1].mean(axis=0).std(ddof=1))


@dataclass(frozen=True)
class Measured:
    """A number, and its standard error over the configurations that were drawn."""

    value: float
    error: float
    compared: int
    """Size of the family of comparisons that it is one of (Bonferroni's correction)."""

    @property
    def reach(self) -> float:
        """The smallest difference from 0 that counts as shown."""
        return float(stats.norm.isf(LEVEL / 2 / self.compared)) * self.error

    @property
    def shown(self) -> bool:
        """Whether the number differs from 0 by more than its error explains."""
        return abs(self.value) > max(self.reach, _ROUNDING)


_ROUNDING = 1e-12

Statistic = Callable[[NDArray[np.intp]], Scores]
"""Takes indices of configurations, [resamples, configurations]; returns one number for each."""


class Resampling:
    """Draws of the configurations with replacement, the same for every number.

    So the difference of two numbers is paired: its error is that of the difference itself (Efron &
    Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 6). Each configuration brings its
    scores of all seeds, so that the noise of the trainings is in the error too.
    """

    def __init__(self, configurations: int, seed: int = 0) -> None:
        """Draw resamples of so many configurations."""
        everyone = np.arange(configurations)
        drawn = np.random.default_rng(seed).integers(
            configurations, size=(RESAMPLES, configurations)
        )
        self._all = np.vstack([everyone, drawn])

    def numbers(self, statistic: Statistic) -> Scores:
        """Return the number of all configurations, and those of the resamples."""
        return statistic(self._all)

    @staticmethod
    def measured(numbers: Scores, compared: int) -> Measured:
        """Return a number with its standard error, as one of so many that are compared."""
        return Measured(float(numbers[0]), float(np.std(numbers[1:])), compared)
