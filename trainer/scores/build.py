"""Scores that are ready to be computed: of the images of a split, and of draws of its images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchctl.trainer.core.errors import DataError, SettingsError
from searchctl.trainer.core.results import ImageCounts
from searchctl.trainer.scores import formulas
from searchctl.trainer.scores.base import Score, Times
from searchctl.trainer.scores.catalog import (
    Direction,
    ScoreName,
    chosen_classes,
    class_problem,
    higher_is_better,
    known_score,
)
from searchctl.trainer.scores.formulas import Floats, Numbers, Sums
from searchctl.trainer.settings.source.own import is_import_path

_BLOCK = 1000
"""Draws scored at once: bounds the memory and does not change the result."""


@dataclass(frozen=True)
class PooledScore:
    """A score of the catalog: a formula on sums over images."""

    name: ScoreName
    higher_is_better: bool
    formula: Callable[[Sums], Floats]
    classes: tuple[str, ...]
    """Names of all classes."""
    chosen: tuple[int, ...] | None = None
    """The classes that it is over; None: all that the labels hold."""

    def of(self, images: ImageCounts) -> float:
        """Return the score of all images together.

        Raises:
            DataError: the images have no labelled pixel, or none of a chosen class.
        """
        counts = images.counts[:, self._counted(images)].sum(axis=0, dtype=np.int64)
        return float(self.formula(_sums(counts, images.loss_sums.sum(), images.pixels.sum())))

    def of_draws(self, images: ImageCounts, group_of: npt.NDArray[np.intp], times: Times) -> Floats:
        """Return the score of each draw of groups of images."""
        counts = images.counts[:, self._counted(images)].astype(float)
        rest = np.stack([images.loss_sums, images.pixels.astype(float)], axis=1)
        sums = np.zeros((times.shape[1], counts[0].size + 2))
        np.add.at(sums, group_of, np.concatenate([counts.reshape(len(counts), -1), rest], axis=1))
        blocks = (times[at : at + _BLOCK].astype(float) @ sums for at in _blocks(len(times)))
        return np.concatenate([self.formula(_unpacked(block)) for block in blocks])

    def _counted(self, images: ImageCounts) -> npt.NDArray[np.intp]:
        """Return the classes that it is over: the same for every network and every draw."""
        held: npt.NDArray[np.bool_] = images.counts[:, :, [0, 2]].sum(axis=(0, 2)) > 0
        if not held.any():
            raise DataError("no pixel of the split has a label: is ignore_index right?")
        missing = [self.classes[each] for each in self.chosen or () if not held[each]]
        if missing:
            raise DataError(f"score {self.name}: no label holds {', '.join(missing)}")
        return np.flatnonzero(held) if self.chosen is None else np.array(self.chosen)


def build_score(
    score: ScoreName, classes: Sequence[str], direction: Direction | None = None
) -> Score:
    """Return a score that is ready to be computed.

    Args:
        score: its name.
        classes: names of all classes.
        direction: the stated direction, of a score that searchctl does not know.

    Raises:
        SettingsError: the score names an unknown class, or an own score cannot be imported.
        KeyError: searchctl does not compute the score.
    """
    known, higher = known_score(score), higher_is_better(score, direction)
    if known is None and is_import_path(score):
        from searchctl.trainer.scores.own import own_score  # imports torch

        return own_score(score, higher)
    if known is None:
        raise KeyError(score)
    if problem := class_problem(score, classes):
        raise SettingsError(f"score {score}: {problem}")
    formula = getattr(formulas, known.formula)
    return PooledScore(score, higher, formula, tuple(classes), chosen_classes(score, classes))


def _sums(counts: Numbers, loss: Numbers, pixels: Numbers) -> Sums:
    """Return sums from counts [..., classes, 3]."""
    hits, false_alarms, misses = np.moveaxis(counts, -1, 0)
    return Sums(hits, false_alarms, misses, loss, pixels)


def _unpacked(block: Floats) -> Sums:
    """Return the sums of [draws, 3 x classes + 2]."""
    return _sums(block[:, :-2].reshape(len(block), -1, 3), block[:, -2], block[:, -1])


def _blocks(draws: int) -> Iterator[int]:
    return iter(range(0, draws, _BLOCK))
