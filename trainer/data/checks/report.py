"""Findings of the check of a data set."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from searchctl.trainer.data.facts.image_facts import Counts, ImageFacts
from searchctl.trainer.data.settings import Split

BINS = 10
"""Bars of the histogram of unlabeled shares."""
Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SplitReport:
    """Contents of the readable images of one split."""

    split: Split
    names: tuple[str, ...]
    groups: tuple[str, ...]
    """Group (clip, city, scene) of each image."""
    facts: tuple[ImageFacts | None, ...]
    """Facts of each image; None if it cannot be read."""
    classes: int

    @cached_property
    def read(self) -> tuple[ImageFacts, ...]:
        """The images that can be read."""
        return tuple(facts for facts in self.facts if facts)

    def spread(self, count: int) -> list[int]:
        """Return the positions of up to so many images that can be read, evenly spread."""
        readable = [index for index, facts in enumerate(self.facts) if facts]
        last, count = len(readable) - 1, min(count, len(readable))
        return [readable[each * last // max(1, count - 1)] for each in range(count)]

    @property
    def sizes(self) -> dict[tuple[int, int], int]:
        """How many images have each height and width, the most frequent size first."""
        return dict(Counter(facts.size for facts in self.read).most_common())

    @property
    def class_shares(self) -> Shares:
        """The share of each class in all labeled pixels: [classes]."""
        total = self._pixels.sum(axis=0)
        shares: Shares = total / max(1, total.sum())
        return shares

    @property
    def class_images(self) -> Counts:
        """In how many images each class occurs: [classes]."""
        images: Counts = (self._pixels > 0).sum(axis=0)
        return images

    @property
    def unlabeled_share(self) -> float:
        """The share of pixels of no class in the pixels of all labels."""
        unlabeled = sum(facts.unlabeled for facts in self.read)
        return unlabeled / max(1, unlabeled + int(self._pixels.sum()))

    @cached_property
    def unlabeled(self) -> Shares:
        """The share of pixels of no class in each image that can be read: [images]."""
        unlabeled = np.array([facts.unlabeled for facts in self.read], dtype=np.float64)
        shares: Shares = unlabeled / (unlabeled + self._pixels.sum(axis=1))
        return shares

    @property
    def histogram(self) -> Counts:
        """In how many images the unlabeled share is in each tenth: [BINS]; 1 is in the last."""
        return np.histogram(self.unlabeled, bins=BINS, range=(0, 1))[0]

    @cached_property
    def _pixels(self) -> Counts:
        rows = [facts.pixels for facts in self.read]
        return np.array(rows, dtype=np.int64).reshape(len(rows), self.classes)

    @cached_property
    def left(self) -> Shares:
        """The share of a class's images that still hold it at the training size: [classes].

        NaN where no image holds it, or where the training size is not known.
        """
        held = self._pixels > 0
        rows = [facts.left for facts in self.read if len(facts.left)]
        if not rows:
            return np.full(self.classes, np.nan)
        still = np.array(rows) & held
        with np.errstate(invalid="ignore"):
            shares: Shares = still.sum(axis=0) / held.sum(axis=0)
        return shares


@dataclass(frozen=True)
class Unused:
    """Files of one kind that are not read."""

    directory: str
    """Their path below the data set's directory."""
    suffix: str
    """Suffix of their names."""
    names: tuple[str, ...]
    """Their names."""
    of_masks: bool = False
    """Whether masks are read from this directory, and an image of their names is missing."""


@dataclass(frozen=True)
class DataReport:
    """Contents of a data set."""

    class_names: tuple[str, ...]
    splits: tuple[SplitReport, ...]
    """train, val and test."""
    unused: tuple[Unused, ...]
    """Files below the data set's directory that are not read, by directory and kind."""
    problems: tuple[str, ...]
    """Errors that prevent every launch: each missing, broken or unfit file by its path."""
    warnings: tuple[str, ...]
    """Reasons why scores are worth less than they seem."""
    tiles: Mapping[Split, int] = field(default_factory=dict)
    """Tiles of each split, of images that are cut into tiles."""
