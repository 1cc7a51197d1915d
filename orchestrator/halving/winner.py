"""Which finalist wins, pure: the best score of the ladder, or the best mean over seeds."""

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from searchctl.orchestrator.halving.rule import Direction

Choose = Literal["best", "mean"]
"""Which finalist wins: that with the best score, or that with the best mean over its seeds."""

Repeats = Mapping[tuple[int, int], float | None]
"""Trial and number of each repeat that has ended -> its score; None if it diverged or failed."""


@dataclass(frozen=True)
class Standing:
    """One finalist."""

    trial: int
    mean: float | None = None
    """Mean score over the seeds that count; None where the winner is not chosen by it."""
    seeds: int = 1
    """Number of scores in the mean."""
    unscored: int = 0
    """Number of seeds that count with which it diverged or failed."""


def standings(
    ranked: Sequence[tuple[int, float]],
    repeats: Repeats,
    *,
    seeds: int,
    choose: Choose,
    direction: Direction,
    violating: Container[int] = (),
) -> list[Standing]:
    """Return the finalists, the winner first.

    With `choose: mean`, a repeat counts once all finalists have ended it, so they are compared over
    the same seeds. A finalist without a score on such a seed is behind all that have more scores:
    a seed that it did not survive must not improve its mean. One that exceeds a limit is behind all
    others. Ties keep the order of the ladder.

    Args:
        ranked: trial and score of each finalist, in the order of its rank on the ladder.
        repeats: the repeats that have ended.
        seeds: number of seeds of each finalist, that of the ladder included.
        choose: how the winner is chosen.
        direction: whether larger scores are better.
        violating: trials that exceed a limit.
    """
    if choose == "best":
        return [Standing(trial) for trial, _ in ranked]
    counted = [n for n in range(1, seeds) if all((trial, n) in repeats for trial, _ in ranked)]
    found = [
        _standing(trial, [score, *(repeats[trial, n] for n in counted)]) for trial, score in ranked
    ]
    sign = -1 if direction == "maximize" else 1
    return sorted(
        found,
        key=lambda each: (each.trial in violating, each.unscored, sign * (each.mean or 0.0)),
    )


def _standing(trial: int, scores: Sequence[float | None]) -> Standing:
    finite = [score for score in scores if score is not None and math.isfinite(score)]
    mean = math.fsum(finite) / len(finite)  # the ladder's own score is one of them
    return Standing(trial, mean, len(finite), len(scores) - len(finite))
