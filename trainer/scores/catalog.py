"""The scores that can rank trials, by name. Imports the standard library alone."""

from dataclasses import dataclass
from typing import Literal

ScoreName = str
"""Name of a score: one of `SCORES`, or another one whose direction is stated with it."""
Direction = Literal["max", "min"]
"""max: a higher score is better. min: a lower one is."""


@dataclass(frozen=True)
class KnownScore:
    """A score that searchctl computes."""

    title: str
    """Its name in tables, without the split."""
    direction: Direction = "max"


SCORES: dict[ScoreName, KnownScore] = {
    "val_miou": KnownScore("mIoU"),
    "val_loss": KnownScore("loss", direction="min"),
    "val_accuracy": KnownScore("accuracy"),
}
"""val_miou: mean IoU. val_loss: unweighted cross entropy per valid pixel (or per image, in
classification). val_accuracy: share of all valid pixels (or images) that are right."""


def higher_is_better(score: ScoreName, direction: Direction | None = None) -> bool:
    """Return whether a higher score is better.

    Args:
        score: name of the score.
        direction: the stated direction; only a score that searchctl does not know needs it.

    Raises:
        KeyError: the score is unknown, and no direction is stated.
    """
    known = SCORES.get(score)
    if known is None and direction is None:
        raise KeyError(f"the direction of score {score} is not stated")
    return (known.direction if known else direction) == "max"


def is_better(candidate: float, best: float, higher_is_better: bool) -> bool:
    """Return whether a score is strictly better than the best one so far."""
    return candidate > best if higher_is_better else candidate < best


def direction_problem(score: ScoreName, direction: Direction | None) -> str | None:
    """Return what is wrong with the stated direction of a score, if anything.

    >>> direction_problem("val_loss", "max")
    'is max, but a lower val_loss is better: leave it out'
    >>> direction_problem("word_errors", None)
    'is missing: is a higher (max) or a lower (min) word_errors better?'
    """
    known = SCORES.get(score)
    if known is None:
        better = f"is a higher (max) or a lower (min) {score} better?"
        return None if direction else f"is missing: {better}"
    if direction in (None, known.direction):
        return None
    better = "higher" if known.direction == "max" else "lower"
    return f"is {direction}, but a {better} {score} is better: leave it out"
