"""The one order of the training images whose prefixes are the nested samples.

Pure: pixel counts in, a permutation out. Integer arithmetic throughout and ties broken by a hash,
so the same seed gives the same order on every machine.
"""

import numpy as np
import numpy.typing as npt

from searchctl.trainer.core.seeds import derive_seed

Integers = npt.NDArray[np.int64]

_CANDIDATES = 8
"""Images among which the pixels decide. More would balance pixels a little better, but leave the
seed less say: with all of them every seed gives nearly the same sample."""
_MEAN = 1024
"""What the average image holds of a class, in the integer units of `_pixel_units`."""


def nested_order(pixels: Integers, seed: int) -> tuple[int, ...]:
    """Order the images so that every prefix is a stratified sample of them all.

    Greedy iterative stratification, after Sechidis, Tsoumakas and Vlahavas, "On the Stratification
    of Multi-Label Data" (ECML PKDD 2011). They hand each image to that of k subsets which lacks its
    classes most; here there is one growing subset, and the next image is the one whose classes it
    lacks most. In order of precedence, the next image

    1. holds the most classes that no image before it holds, until all are covered (greedy set
       cover);
    2. brings the number of images with each class nearest to the class's share of all images, by
       the sum of squared differences over the classes;
    3. among the seed's next 8 images with this very set of classes, brings the classes' shares of
       pixels nearest to those of all images. Presence alone leaves the pixels of rare classes as
       uneven as chance does; see "Stratify or Die" (Jami et al. 2025, arXiv 2509.21056) for why
       segmentation should balance them.

    Time grows with images x distinct sets of classes x classes.

    Args:
        pixels: [images, classes], how many pixels of each image are of each class.
        seed: the sweep's seed; decides between images that are alike.

    Returns:
        Every index once.
    """
    patterns = _Patterns(pixels > 0, _shuffled(len(pixels), seed))
    balance = _PixelBalance(pixels)
    order = []
    for _ in range(len(pixels)):
        queue = patterns.pop_neediest()
        image = queue.pop(balance.nearest(queue[:_CANDIDATES]))
        balance.add(image)
        order.append(image)
    return tuple(order)


def _shuffled(count: int, seed: int) -> list[int]:
    return sorted(range(count), key=lambda image: (derive_seed(seed, "sample", image), image))


class _Patterns:
    """The distinct sets of classes, each with its images still to be taken, and what was taken."""

    def __init__(self, present: npt.NDArray[np.bool_], shuffled: list[int]) -> None:
        sets, first, of_image = np.unique(
            present[shuffled], axis=0, return_index=True, return_inverse=True
        )
        by_seed = np.argsort(first)  # argmin and argmax below then break ties by the seed
        self._sets = sets[by_seed].astype(np.int64)
        rank = np.argsort(by_seed)[of_image.reshape(-1)]
        self._queues: list[list[int]] = [[] for _ in by_seed]
        for image, pattern in zip(shuffled, rank, strict=True):
            self._queues[pattern].append(image)
        self._left = np.array([len(queue) for queue in self._queues])
        self._images = len(shuffled)
        self._totals = present.sum(axis=0, dtype=np.int64)
        self._taken = np.zeros_like(self._totals)
        self._steps = 0

    def pop_neediest(self) -> list[int]:
        """Count in one image of the set of classes that the prefix lacks most; return its queue."""
        open_sets = np.flatnonzero(self._left)
        new = self._sets[open_sets] @ (self._taken == 0)
        candidates = open_sets[new == new.max()]
        chosen = candidates[self._imbalance(candidates).argmin()]
        self._steps += 1
        self._taken += self._sets[chosen]
        self._left[chosen] -= 1
        return self._queues[chosen]

    def _imbalance(self, candidates: npt.NDArray[np.intp]) -> Integers:
        # sum over classes of (taken + set - expected)^2, times images, less what all have in common
        sets = self._sets[candidates]
        lead = self._taken * self._images - (self._steps + 1) * self._totals
        costs: Integers = sets @ (2 * lead + self._images)
        return costs


class _PixelBalance:
    """How far the pixels of the images taken so far are from the shares of all images."""

    def __init__(self, pixels: Integers) -> None:
        self._units = _pixel_units(pixels)
        self._lead = np.zeros(pixels.shape[1], dtype=np.int64)

    def nearest(self, images: list[int]) -> int:
        """Return the position of the image that would leave the pixels best balanced."""
        leads = self._lead + self._units[images] - _MEAN
        return int((leads * leads).sum(axis=1).argmin())

    def add(self, image: int) -> None:
        self._lead += self._units[image] - _MEAN


def _pixel_units(pixels: Integers) -> Integers:
    """Scale each class to a mean of `_MEAN` an image, so that rare classes count as much."""
    totals = np.maximum(pixels.sum(axis=0), 1)
    units: Integers = pixels.astype(np.int64) * (len(pixels) * _MEAN) // totals
    return units
