"""How sure is it that the best finalist is the best one, whatever seed it is trained with?

Two trainings of one configuration that differ by their seed differ in their score. This noise is
measured: the variance within configurations, pooled over them, with its degrees of freedom. A
configuration's quality is its mean score over all seeds.

The best of several is flattered: chance has helped to choose it. So a lead is not tested against
zero. The finalists' qualities are taken as draws from one normal distribution, which shrinks all
of them to their mean, the less noise the less (Gelman, Hill & Yajima, "Why We (Usually) Don't Have
to Worry About Multiple Comparisons", Journal of Research on Educational Effectiveness 5, 2012). The
standard deviation of the qualities is not known. Before the scores are seen it is half-normal, and
its scale is three quarters of the noise (Gelman, "Prior Distributions for Variance Parameters in
Hierarchical Models", Bayesian Analysis 1, 2006). The noise is not known either, and few degrees of
freedom make all chances smaller. docs/halving.md says how often such statements were wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SURE = 0.95
"""Chance from which on the best finalist is called the best."""
SHOWN_FROM = 2.0
"""A difference is shown from so many standard deviations of a difference of two trainings on."""
DRAWS = 10_000
_SCALE = 0.75
"""Scale of the deviation of the finalists' qualities, in units of the noise."""
_MOST_FREEDOM = 8
"""Degrees of freedom that the noise of other configurations has at most, however many they are:
configurations differ in their noise, in the measured tables by about a quarter."""
_RATIOS: Floats = (np.arange(60) + 0.5) / 20 * _SCALE
"""Deviations of the finalists' qualities that are considered, in units of the noise."""


@dataclass(frozen=True)
class SeedNoise:
    """How much the score of one configuration changes from seed to seed."""

    deviation: float
    """Standard deviation within configurations, pooled."""
    freedom: int
    """Degrees of freedom: trainings minus configurations."""
    configurations: int


def seed_noise(groups: Iterable[Sequence[float]]) -> SeedNoise | None:
    """Return the noise of the seed; None if no configuration has two scores.

    Args:
        groups: for each configuration, its scores, each with another seed.

    >>> seed_noise([[0.5, 1.0], [0.25, 0.75], [0.9]])
    SeedNoise(deviation=0.3535533905932738, freedom=2, configurations=2)
    """
    several = [np.asarray(scores, float) for scores in groups if len(scores) > 1]
    freedom = sum(len(scores) - 1 for scores in several)
    if not freedom:
        return None
    squares = sum(float(((scores - scores.mean()) ** 2).sum()) for scores in several)
    return SeedNoise(float(np.sqrt(squares / freedom)), freedom, len(several))


def noise_of_others(groups: Iterable[Sequence[float]]) -> SeedNoise | None:
    """Return the noise of the seed of other configurations, as an estimate for the finalists."""
    found = seed_noise(groups)
    return found and replace(found, freedom=min(found.freedom, _MOST_FREEDOM))


def chances(
    means: Sequence[float], seeds: Sequence[int], noise: SeedNoise, draws: int = DRAWS
) -> list[float]:
    """Return for each finalist the chance that its quality is the best; they add up to 1.

    Args:
        means: each finalist's mean score over its seeds; higher is better.
        seeds: number of seeds of each mean.
        noise: of one seed.
        draws: number of draws; the same arguments always give the same result.
    """
    centred = np.asarray(means, float) - np.mean(means)
    if not noise.deviation:  # every repeat gave the same score
        best = centred == centred.max()
        return [float(share) for share in best / best.sum()]
    random = np.random.default_rng(0)
    share = 1 / np.asarray(seeds, float)
    ratio, squares = _draw_ratios(centred, share, noise, draws)
    k = len(centred)
    sigma = np.sqrt(squares / random.chisquare(noise.freedom + k - 1, draws))
    weight = 1 / (share + ratio[:, None] ** 2)
    whole = weight.sum(axis=1)
    middle = (weight @ centred) / whole + sigma / np.sqrt(whole) * random.standard_normal(draws)
    kept = ratio[:, None] ** 2 * weight  # 1: not shrunk at all
    spread = np.sqrt(kept * share) * sigma[:, None]
    shrunk = middle[:, None] + kept * (centred - middle[:, None])
    quality = shrunk + spread * random.standard_normal((draws, k))
    return [float(n) / draws for n in np.bincount(quality.argmax(axis=1), minlength=k)]


def _draw_ratios(
    centred: Floats, share: Floats, noise: SeedNoise, draws: int
) -> tuple[Floats, Floats]:
    """Draw the deviation of the qualities, and return the sum of squares that goes with each."""
    weight = 1 / (share + _RATIOS[:, None] ** 2)
    whole = weight.sum(axis=1)
    middle = (weight @ centred) / whole
    squares = noise.freedom * noise.deviation**2
    squares = squares + (weight * (centred - middle[:, None]) ** 2).sum(axis=1)
    log = np.log(weight).sum(axis=1) / 2 - np.log(whole) / 2 - (_RATIOS / _SCALE) ** 2 / 2
    log -= (noise.freedom + len(centred) - 1) / 2 * np.log(squares)
    likely = np.exp(log - log.max()).cumsum()
    at = np.searchsorted(likely / likely[-1], (np.arange(draws) + 0.5) / draws)
    return _RATIOS[at], squares[at]
