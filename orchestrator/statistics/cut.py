"""How sure a rung's cut is: each trial compared with the nearest one on the other side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from searchctl.orchestrator.statistics.holm import holm
from searchctl.orchestrator.statistics.paired_bootstrap import Difference, GroupBootstrap
from searchctl.trainer.core.results import ImageCounts
from searchctl.trainer.scores.base import Score

Side = Literal["the last survivor", "the best that was cut", "the winner", "the runner-up"]
MOST_HOLM = 40
"""Up to so many comparisons of one cut are all made, as Holm's correction needs."""


@dataclass(frozen=True)
class Opponent:
    """The trial that another is compared with, and its role in the rung."""

    trial: int
    side: Side


@dataclass(frozen=True)
class Corrected:
    """A comparison, with its p-value corrected for all comparisons of the cut."""

    difference: Difference
    p: float
    correction: Literal["Holm", "Bonferroni"]
    """Bonferroni for large rungs: it needs no other comparison, and is never below Holm's."""
    comparisons: int
    """Distinct comparisons of the cut."""


def opponents(ranked: Sequence[int], kept: int, *, last: bool) -> dict[int, Opponent]:
    """Return the opponent of each trial.

    Args:
        ranked: the rung's trials that have a score, the best first.
        kept: how many of them the cut kept.
        last: the rung is the last one. It cuts nothing, so all are compared with the winner.

    >>> {trial: each.trial for trial, each in opponents([7, 3, 5, 0], 2, last=False).items()}
    {7: 5, 3: 5, 5: 3, 0: 3}
    """
    if last and len(ranked) > 1:
        others: dict[int, Opponent] = {t: Opponent(ranked[0], "the winner") for t in ranked[1:]}
        return {ranked[0]: Opponent(ranked[1], "the runner-up"), **others}
    if last or not 0 < kept < len(ranked):
        return {}
    survivor = Opponent(ranked[kept - 1], "the last survivor")
    dropped = Opponent(ranked[kept], "the best that was cut")
    return {trial: dropped if at < kept else survivor for at, trial in enumerate(ranked)}


def needed(trial: int, against: Mapping[int, Opponent]) -> list[int]:
    """Return the trials whose counts `compare` needs for one trial."""
    pairs = len(against) - 1  # the two trials nearest to the cut are each other's opponents
    return sorted(against) if pairs <= MOST_HOLM else sorted((trial, against[trial].trial))


def compare(
    trial: int,
    against: Mapping[int, Opponent],
    counts: Mapping[int, ImageCounts],
    bootstrap: GroupBootstrap,
    score: Score,
) -> Corrected:
    """Compare a trial with its opponent, and correct for all comparisons of the cut.

    Args:
        trial: its number.
        against: the opponent of each trial of the rung that has a score.
        counts: of the trials that `needed` returns. If some are missing, the correction is
            Bonferroni's.
        bootstrap: the draws of the validation set.
        score: the score that ranks them.
    """
    resampled = {each: bootstrap.resample(counts[each], score) for each in sorted(counts)}

    def compared(each: int) -> Difference:
        return bootstrap.difference(resampled[each], resampled[against[each].trial])

    found, pairs = compared(trial), len(against) - 1
    if not against.keys() <= counts.keys():
        return Corrected(found, min(1.0, pairs * found.p), "Bonferroni", pairs)
    others = {frozenset((each, opponent.trial)): each for each, opponent in against.items()}
    others[frozenset((trial, against[trial].trial))] = trial
    p_values = dict(zip(others, holm([compared(each).p for each in others.values()]), strict=True))
    corrected = p_values[frozenset((trial, against[trial].trial))]
    return Corrected(found, corrected, "Holm", pairs)
