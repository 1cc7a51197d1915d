"""What a score is: a number of a network, from the counts of each image. Imports numpy alone."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from searchctl.trainer.core.results import ImageCounts
from searchctl.trainer.scores.catalog import ScoreName
from searchctl.trainer.scores.formulas import Floats

Times = npt.NDArray[np.unsignedinteger]
"""[draws, groups]: how often each group of images is in each draw."""


class Score(Protocol):
    """A score of a network, from the counts of each image."""

    @property
    def name(self) -> ScoreName:
        """Its name, as in a sweep.yaml."""

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher score is better."""

    def of(self, images: ImageCounts) -> float:
        """Return the score of all images together.

        Raises:
            DataError: the labels of the images do not determine it.
        """

    def of_draws(self, images: ImageCounts, group_of: npt.NDArray[np.intp], times: Times) -> Floats:
        """Return the score of each draw of groups of images.

        Args:
            images: counts of the images.
            group_of: [images], the group of each image.
            times: how often each draw holds each group.
        """
