"""PED-ANOVA, pure: how much each param matters for being among the best trials.

Watanabe, Bansal and Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in
Arbitrary Subspaces" (IJCAI 2023); params that only some trials have as in "Conditional PED-ANOVA"
(KDD 2026). The values of a param lie in bins. The density of the best trials over the bins is
compared with that of all trials. Both are Parzen estimators with Scott's bandwidth, and the numbers
equal those of Optuna's evaluator, which imports scikit-learn and pandas and copies every trial.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_erfc = np.frompyfunc(math.erfc, 1, 1)  # scipy.special takes longer to import than all of this
_LEAST_SIGMA = 0.5 / 1.64
"""Smallest bandwidth, in bins: 90 % of a kernel is within the bin of its value."""
_LEAST_TRIALS = 2
"""Fewest trials with a param: with fewer, it has no density."""


@dataclass(frozen=True)
class Binned:
    """The values of one param, in bins."""

    bins: NDArray[np.int64]
    """Bin of each trial's value, int64 [trials]; -1 for a trial without the param."""
    count: int
    """Number of bins."""
    ordered: bool
    """Whether the bins are intervals of a number, and not categories."""


def ped_anova(params: Mapping[str, Binned], best: NDArray[np.bool_]) -> dict[str, float]:
    """Return the share of each param in the difference of the best trials from all trials.

    Args:
        params: the values of each param.
        best: whether each trial is among the best ones, bool [trials]; some are, and not all.

    Returns:
        Shares that sum to 1, the largest first. All are equal if no density differs.
    """
    found = {name: _divergence(each, best) for name, each in params.items()}
    whole = sum(found.values())
    shares = {name: each / whole if whole else 1 / len(found) for name, each in found.items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _divergence(param: Binned, best: NDArray[np.bool_]) -> float:
    """Return Pearson's divergence of the best trials' density from that of all trials."""
    present = param.bins >= 0
    chosen = present & best
    if param.count < 2 or not chosen.any() or present.sum() < _LEAST_TRIALS:
        return 0.0
    of_all, of_best = (_density(param, each) + 1e-12 for each in (present, chosen))
    weight = (chosen.sum() / best.sum()) ** 2 / present.mean()
    return float(weight * (of_all @ (of_best / of_all - 1) ** 2))


def _density(param: Binned, trials: NDArray[np.bool_]) -> Floats:
    """Return the probability of each bin, float64 [bins], by the trials and one uniform prior."""
    counts = np.bincount(param.bins[trials], minlength=param.count)
    held = np.flatnonzero(counts)
    weights = np.append(counts[held], 1.0) / (counts.sum() + 1.0)
    kernels = _normals if param.ordered else _categories
    density: Floats = weights @ kernels(held, counts)
    return density


def _categories(held: NDArray[np.int64], counts: NDArray[np.int64]) -> Floats:
    """Return a kernel for each category that occurs, and the prior, float64 [kernels, bins]."""
    found = np.full((len(held) + 1, len(counts)), 1 / (len(held) + 1))
    found[np.arange(len(held)), held] += 1
    normed: Floats = found / found.sum(axis=1, keepdims=True)
    return normed


def _normals(held: NDArray[np.int64], counts: NDArray[np.int64]) -> Floats:
    """Return a normal around each bin that occurs, and a wide prior, float64 [kernels, bins]."""
    last = len(counts) - 1
    centres = np.append(held, last / 2)[:, None]
    sigmas = np.append(np.full(len(held), _bandwidth(held, counts[held])), last + 1)[:, None]
    edges = _below((np.arange(len(counts) + 1) - 0.5 - centres) / sigmas)
    found: Floats = np.diff(edges, axis=1) / (edges[:, -1:] - edges[:, :1])
    return found


def _below(values: Floats) -> Floats:
    """Return the standard normal's probability below each value."""
    return np.asarray(_erfc(-values / math.sqrt(2)), dtype=np.float64) / 2


def _bandwidth(values: NDArray[np.int64], weights: NDArray[np.int64]) -> float:
    """Return Scott's bandwidth ("Multivariate Density Estimation", 1992) of weighted values."""
    n, cumulated = int(weights.sum()), np.cumsum(weights)
    deviation = np.sqrt((values - values @ weights / n) ** 2 @ weights / max(1, n - 1))
    first = np.searchsorted(cumulated, n // 4, side="left")
    third = min(int(np.searchsorted(cumulated, n * 3 // 4, side="right")), len(values) - 1)
    spread = min((values[third] - values[first]) / 1.34, deviation)
    return max(float(1.059 * spread * n**-0.2), _LEAST_SIGMA)
