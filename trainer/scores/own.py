"""A score of the user's own: a function of the counts of each image."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.core.results import ImageCounts
from searchctl.trainer.own_code.calls import checked_call, import_object, own_errors
from searchctl.trainer.scores.base import Times
from searchctl.trainer.scores.catalog import ScoreName
from searchctl.trainer.scores.formulas import Floats


@dataclass(frozen=True)
class OwnScore:
    """A function (counts, loss_sums, pixels) -> float, named by its import path.

    counts is int64 [images, classes, 3] (true positives, false positives, false negatives),
    loss_sums float64 [images] (summed cross entropy) and pixels int64 [images] (valid pixels).
    """

    name: ScoreName
    higher_is_better: bool
    function: Callable[..., Any]

    def of(self, images: ImageCounts) -> float:
        """Return the score of all images together; NaN is possible.

        Raises:
            SettingsError: the function fails, or returns no number.
        """
        counts, pixels = images.counts.astype(np.int64), images.pixels.astype(np.int64)
        value = checked_call(self.name, self.function, counts, images.loss_sums.copy(), pixels)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise SettingsError(f"{self.name} returned {value!r}, not a number") from None

    def of_draws(
        self,
        images: ImageCounts,
        group_of: npt.NDArray[np.intp],
        times: Times,
    ) -> Floats:
        """Return the score of each draw: of its images, each as often as its group is drawn."""
        order = np.arange(len(group_of))
        drawn = (np.repeat(order, each[group_of]) for each in times)
        counts, pixels = images.counts.astype(np.int64), images.pixels.astype(np.int64)
        with own_errors(self.name):  # `checked_call` would inspect the signature for each draw
            return np.array(
                [float(self.function(counts[at], images.loss_sums[at], pixels[at])) for at in drawn]
            )


def own_score(name: ScoreName, higher_is_better: bool) -> OwnScore:
    """Import a function by its path.

    Raises:
        SettingsError: it cannot be imported, or cannot be called.
    """
    function = import_object(name)
    if not callable(function):
        raise SettingsError(f"{name} is no function of (counts, loss_sums, pixels)")
    return OwnScore(name, higher_is_better, function)


def check_own_score(score: OwnScore, classes: int) -> None:
    """Call an own score with the counts of two images, before anything is paid for.

    Raises:
        SettingsError: it fails, or returns no finite number.
    """
    counts = np.ones((2, classes, 3), dtype=np.uint32)
    images = ImageCounts(counts, np.ones(2), np.full(2, 2 * classes))
    value = score.of(images)
    if not math.isfinite(value):
        raise SettingsError(f"{score.name} returned {value} for images with hits in each class")
