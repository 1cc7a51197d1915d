"""How sure is the difference of two networks' scores on the same validation images?

The bootstrap draws whole groups of images (clips, cities, scenes) with replacement, because images
of a group resemble each other (Davison & Hinkley, "Bootstrap Methods and their Application", 1997,
section 3.8). It scores both networks on the same draw, so that what is hard for both cancels out
(Koehn, "Statistical Significance Tests for Machine Translation Evaluation", EMNLP 2004).

Percentile intervals over few groups are too narrow. They are widened after Hesterberg ("What
Teachers Should Know about the Bootstrap", The American Statistician 69:4, 2015, "expanded
percentile interval"). In simulations of equally good networks, with 10, 15, 20 and 50 groups of up
to 6 images, 7, 5, 6 and 5 of 100 such intervals of 95 % miss zero; plain percentile intervals miss
it 11, 10, 9 and 8 times.

The result is about two trained networks. Training them again with another seed adds variation that
no resampling of images can show.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchctl.trainer.core.results import ImageCounts
from searchctl.trainer.scores.base import Score

Floats = npt.NDArray[np.float64]

LEAST_GROUPS = 10
"""With fewer groups, there are too few distinct draws for a 95 % interval."""
DRAWS = 10_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """One network's score minus another's on the same images; positive if the first is better."""

    value: float
    """On the whole validation set."""
    low: float
    high: float
    """Ends of the interval of 95 %."""
    p: float
    """Two-sided: the level at which the interval would just touch zero."""
    groups: int
    images: int


@dataclass(frozen=True)
class NotAssessable:
    """The uncertainty of a difference cannot be assessed."""

    why: str
    groups: int | None
    """Number of groups of the validation set, if known."""


@dataclass(frozen=True)
class Resampled:
    """One network's score on the whole validation set, and on each draw of its groups.

    Higher is better: a score that is better when it is lower has its sign changed.
    """

    score: float
    draws: Floats


class GroupBootstrap:
    """The draws of one validation set: the same for every network, so that all can be compared."""

    def __init__(self, groups: Sequence[str], *, draws: int = DRAWS, seed: int = 0) -> None:
        """Draw groups; `groups` holds the group of each image."""
        names, self._group_of = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
        self.images, self.groups = len(groups), len(names)
        # how often each group is in each draw: [draws, groups]
        chosen = np.random.default_rng(seed).integers(self.groups, size=(draws, self.groups))
        chosen += np.arange(draws)[:, None] * self.groups
        times = np.bincount(chosen.ravel(), minlength=chosen.size)
        self._times = times.reshape(chosen.shape).astype(np.uint32)

    def resample(self, counts: ImageCounts, score: Score) -> Resampled:
        """Score a network on every draw.

        Args:
            counts: of the validation images, in the order of `groups`.
            score: the score.
        """
        sign = 1 if score.higher_is_better else -1
        draws = score.of_draws(counts, self._group_of, self._times)
        return Resampled(sign * score.of(counts), sign * draws)

    def difference(self, first: Resampled, second: Resampled) -> Difference:
        """Return the first network's score minus the second's, with its interval."""
        drawn = first.draws - second.draws
        tail = self._widened(1 - CONFIDENCE)
        low, high = np.quantile(drawn, [tail, 1 - tail])
        value = first.score - second.score
        p = self._p(value, drawn)
        return Difference(value, float(low), float(high), p, self.groups, self.images)

    def _widened(self, level: float) -> float:
        """Return the share of draws to leave out at each end for an interval of 1 - level."""
        from scipy import special  # late: views without image scores need not wait for its import

        n = self.groups
        reach = math.sqrt(n / (n - 1)) * -special.stdtrit(n - 1, level / 2)
        return float(special.ndtr(-reach))

    def _p(self, value: float, drawn: Floats) -> float:
        """Return the level of the widest interval that does not contain zero in its interior.

        If no draw reaches zero, the number of draws limits the p-value. Then it is that of a t-test
        with the draws' standard deviation, if that is smaller.
        """
        from scipy import special

        beyond = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
        tail = (1 + beyond) / (1 + len(drawn))
        if tail >= 0.5:
            return 1.0
        reach = -float(special.ndtri(tail))
        if not beyond:
            reach = max(reach, abs(value) / max(float(drawn.std()), 1e-300))
        n = self.groups
        return float(2 * special.stdtr(n - 1, -reach * math.sqrt((n - 1) / n)))


def bootstrap_over(groups: Sequence[str]) -> GroupBootstrap | NotAssessable:
    """Return the draws over the groups of a validation set, if there are enough of them."""
    count = len(set(groups))
    if count >= LEAST_GROUPS:
        return GroupBootstrap(groups)
    noun = "group" if count == 1 else "groups"
    why = f"the {len(groups)} validation images are {count} {noun}, fewer than {LEAST_GROUPS}"
    return NotAssessable(why, count)


def same_images(first: ImageCounts, second: ImageCounts) -> bool:
    """Were both networks scored on the same labels, image by image?"""
    return first.counts.shape == second.counts.shape and np.array_equal(truth(first), truth(second))


def truth(counts: ImageCounts) -> npt.NDArray[np.uint64]:
    """Return the pixels of each class in the labels of each image: [images, classes]."""
    found: npt.NDArray[np.uint64] = counts.counts[:, :, [0, 2]].sum(axis=2, dtype=np.uint64)
    return found
