"""The one order of the training images whose prefixes are the nested samples.

Pure: pixel counts in, a permutation out. Integer arithmetic throughout and all random numbers from
one documented stream, so the same seed gives the same order on every machine.
"""

import heapq
import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from searchctl.trainer.core.seeds import derive_seed

Integers = npt.NDArray[np.int64]
Images = npt.NDArray[np.intp]
"""Indices of images."""

FORMAT = 2
"""Raised when another order results from the same counts and seed."""
_NO_IMAGE = -1
_UNIT = 1024
"""The integer that represents 1 wherever a share would be a fraction."""
_ROUNDS = 3
"""Rounds of a walk; more of them change next to nothing."""


def ignore_placed(done: int, total: int) -> None:
    """Report nothing."""


def nested_order(
    pixels: Integers, seed: int, on_progress: Callable[[int, int], None] = ignore_placed
) -> tuple[int, ...]:
    """Order the images so that every prefix is a stratified sample of them all.

    The images are halved, and each half is halved again, down to single images. A halving pairs
    images that hold the same classes, or nearly so, and sends one of each pair to the first half.
    Which one decides a balancing walk: the one that brings the halves' numbers of images with each
    class, and their pixels of each class, nearer together (after Alweiss, Liu and Sawhney,
    "Discrepancy Minimization via a Self-Balancing Walk", STOC 2021, with the sign of least
    imbalance). Exchanging the halves of a walk gives a walk that is as likely, so each image is in
    either half equally often over all seeds: no image is preferred, and no class is.

    The order starts with images that cover all classes, each the one with the most classes that
    are missing so far (greedy set cover); these win their pairs, so that they replace images like
    themselves and the shares stay right.

    That samples of multi-label data should keep the labels' shares is from Sechidis, Tsoumakas and
    Vlahavas, "On the Stratification of Multi-Label Data" (ECML PKDD 2011); that segmentation should
    balance pixels too, from "Stratify or Die" (Jami et al. 2025, arXiv 2509.21056).

    Time grows with images x log(images) x classes.

    Args:
        pixels: [images, classes], how many pixels of each image are of each class.
        seed: the sweep's seed.
        on_progress: called with how many images are placed, and of how many.

    Returns:
        Every index once.
    """
    drawn = _draws(len(pixels), seed)
    cover = _cover(pixels > 0, drawn)
    halving = _Halving(pixels, drawn, cover)
    placed = dict.fromkeys(cover)
    for image in halving.ordered(np.arange(len(pixels))):
        placed[image] = None
        on_progress(len(placed), len(pixels))
    return tuple(placed)


def _draws(count: int, seed: int) -> npt.NDArray[np.uint64]:
    """Return a random number for each image; NumPy keeps this stream stable over its versions."""
    raw: npt.NDArray[np.uint64] = np.random.PCG64(derive_seed(seed, "sample")).random_raw(count)
    return raw


def _cover(present: npt.NDArray[np.bool_], drawn: npt.NDArray[np.uint64]) -> list[int]:
    """Return images that hold all classes together: the one with most missing ones comes next.

    What an image would add only ever shrinks, so the queue is corrected where it is read.
    """
    missing = present.any(axis=0)
    adds = present.sum(axis=1).tolist()
    queue = [
        (-gain, int(key), image) for image, (gain, key) in enumerate(zip(adds, drawn, strict=True))
    ]
    heapq.heapify(queue)
    cover: list[int] = []
    while missing.any():
        gain, key, image = queue[0]
        current = -int((present[image] & missing).sum())
        if current != gain:
            heapq.heapreplace(queue, (current, key, image))
        else:
            heapq.heappop(queue)
            cover.append(image)
            missing &= ~present[image]
    return cover


class _Halving:
    """Divides images into two alike halves, again and again."""

    def __init__(self, pixels: Integers, drawn: npt.NDArray[np.uint64], first: list[int]) -> None:
        present = pixels > 0
        features = np.hstack([_standardised(_UNIT * present), _standardised(_pixel_units(pixels))])
        self._features = np.vstack([features, np.zeros_like(features[:1])])
        self._is_first = np.zeros(len(pixels) + 1, dtype=np.int64)
        self._is_first[first] = 1
        self._drawn = drawn
        self._rank = _similarity(present, drawn)

    def ordered(self, images: Images, level: int = 0) -> Iterator[int]:
        """Yield all images so that those yielded first are a sample of them, however many.

        Args:
            images: to be ordered.
            level: how often these images were halved before.
        """
        if len(images) < 2:
            yield from images.tolist()
            return
        for half in self._halves(images, level):
            yield from self.ordered(half, level + 1)

    def _halves(self, images: Images, level: int) -> tuple[Images, Images]:
        one, other = self._pairs(images)
        settled = self._is_first[one] - self._is_first[other]
        # a bit for each level: halvings are independent of each other
        coins = 2 * (self._drawn[one] >> np.uint64(level) & np.uint64(1)).astype(np.int64) - 1
        walk = np.argsort(self._drawn[one])
        steps = self._features[one] - self._features[other]
        sides = _balanced_sides(steps, settled, coins, walk)
        first, second = np.where(sides > 0, one, other), np.where(sides > 0, other, one)
        return first[first != _NO_IMAGE], second[second != _NO_IMAGE]

    def _pairs(self, images: Images) -> tuple[Images, Images]:
        """Return the one and the other of each pair of neighbours by similarity."""
        ordered = images[np.argsort(self._rank[images])]
        if len(ordered) % 2:
            ordered = np.append(ordered, _NO_IMAGE)
        return ordered[::2], ordered[1::2]


def _balanced_sides(steps: Integers, settled: Integers, coins: Integers, walk: Images) -> Integers:
    """Return the side of each step, 1 or -1, such that the sum of all is near 0.

    The first round takes each step to the side that balances those before it; the next ones take
    it to the side that balances all others.

    Args:
        steps: [pairs, features], what the one has more of than the other.
        settled: [pairs] the side, where it is given; else 0.
        coins: [pairs] the side of a step where both are as good.
        walk: the order of the steps.
    """
    sides = settled.copy()
    free = [pair for pair in walk.tolist() if not settled[pair]]
    lead = settled @ steps
    for _ in range(_ROUNDS):
        for pair in free:
            step = steps[pair]
            lead -= sides[pair] * step
            sides[pair] = -np.sign(lead @ step) or coins[pair]
            lead += sides[pair] * step
    return sides


def _similarity(present: npt.NDArray[np.bool_], drawn: npt.NDArray[np.uint64]) -> Integers:
    """Return each image's place in an order where neighbours hold alike classes, rare ones first.

    Images of the very same classes follow each other at random.
    """
    common_first = np.argsort(-present.sum(axis=0), kind="stable")
    order = np.lexsort((drawn, *present.T[common_first]))
    return np.argsort(order)


def _pixel_units(pixels: Integers) -> Integers:
    """Scale each class to a mean of `_UNIT` an image."""
    totals = np.maximum(pixels.sum(axis=0), 1)
    units: Integers = pixels.astype(np.int64) * (len(pixels) * _UNIT) // totals
    return units


def _standardised(units: Integers) -> Integers:
    """Scale each column to a standard deviation of `_UNIT`: rare classes count like others."""
    deviations = units - units.sum(axis=0) // len(units)
    variances = (deviations * deviations).sum(axis=0) // len(units)
    spreads = np.array([max(1, math.isqrt(variance)) for variance in variances.tolist()])
    scaled: Integers = units * _UNIT // spreads
    return scaled
