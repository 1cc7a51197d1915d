"""The scores that searchctl computes, by name. Imports the standard library alone.

A name may be followed by classes, where the score is a number of each class first:
`val_dice:object` is the Dice of one class, `val_miou:car+person` the mean IoU of two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from searchctl.searchspace.errors import unknown

ScoreName = str
"""Name of a score: one of `SCORES`, also with classes; the import path of a function; or another
name, whose values a script reports."""
Direction = Literal["max", "min"]
"""max: a higher score is better. min: a lower one is."""


@dataclass(frozen=True)
class KnownScore:
    """A score that searchctl computes."""

    title: str
    """Its name in tables, without the split."""
    formula: str
    """Function in formulas.py."""
    direction: Direction = "max"
    by_class: bool = False
    """Whether it is a number of each class first, so that classes can be chosen."""
    of_pixels: bool = False
    """Whether it is for segmentation alone."""


SCORES: dict[ScoreName, KnownScore] = {
    "val_miou": KnownScore("mIoU", "mean_iou", by_class=True, of_pixels=True),
    "val_dice": KnownScore("Dice", "mean_dice", by_class=True),
    "val_class_accuracy": KnownScore("class accuracy", "mean_recall", by_class=True),
    "val_worst_iou": KnownScore("worst IoU", "worst_iou", by_class=True, of_pixels=True),
    "val_fwiou": KnownScore("fwIoU", "frequency_weighted_iou", of_pixels=True),
    "val_accuracy": KnownScore("accuracy", "accuracy"),
    "val_loss": KnownScore("loss", "loss", direction="min"),
}
"""Name -> score. docs/scores.md has the formulas."""


def known_score(score: ScoreName) -> KnownScore | None:
    """Return the score of that name, with or without classes; None if we do not compute it."""
    return SCORES.get(score.partition(":")[0])


def title(score: ScoreName) -> str:
    """Return the name of a score for tables.

    >>> title("val_miou"), title("val_dice:car+person"), title("my_metrics:boundary_f1")
    ('mIoU', 'Dice of car+person', 'my_metrics:boundary_f1')
    >>> title("val_cars")  # of a script
    'cars'
    """
    known, (_, _, classes) = known_score(score), score.partition(":")
    if known is None:
        return score.removeprefix("val_")
    return f"{known.title} of {classes}" if classes else known.title


def higher_is_better(score: ScoreName, direction: Direction | None = None) -> bool:
    """Return whether a higher score is better.

    Args:
        score: name of the score.
        direction: the stated direction; only a score that searchctl does not know needs it.

    Raises:
        KeyError: the score is unknown, and no direction is stated.
    """
    known = known_score(score)
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
    known = known_score(score)
    if known is None:
        better = f"is a higher (max) or a lower (min) {score} better?"
        return None if direction else f"is missing: {better}"
    if direction in (None, known.direction):
        return None
    better = "higher" if known.direction == "max" else "lower"
    return f"is {direction}, but a {better} {score} is better: leave it out"


def name_problem(score: ScoreName) -> str:
    """Return what is wrong with the name of a score that we compute; empty if nothing is.

    >>> name_problem("val_accuracy:car")
    'val_accuracy is no number of each class: leave :car out'
    """
    name, colon, classes = score.partition(":")
    known = SCORES.get(name)
    if known is None:
        return unknown("score", score, SCORES)
    if colon and not known.by_class:
        return f"{name} is no number of each class: leave :{classes} out"
    if colon and not classes.strip():
        return f"'{score}' lacks its classes: {name}:car+person"
    return ""


def class_problem(score: ScoreName, classes: Sequence[str]) -> str:
    """Return what is wrong with the classes that a score names; empty if nothing is.

    >>> class_problem("val_dice:car", ["road", "cat"])
    "unknown class 'car': did you mean 'cat'?"
    """
    try:
        chosen_classes(score, classes)
    except ValueError as error:
        return str(error)
    return ""


def list_problem(score: ScoreName) -> str:
    """Return what is wrong with a list of classes whose names hold no plus; empty if nothing is.

    >>> list_problem("val_dice:car+"), list_problem("val_dice:car+car")
    ('has a + with no class beside it: write val_dice:car', 'names the class car twice')
    """
    parts = _parts(score)
    if "" in parts:
        name, left = score.partition(":")[0], "+".join(filter(None, parts)) or "car+person"
        return f"has a + with no class beside it: write {name}:{left}"
    twice = [part for part in parts if parts.count(part) > 1]
    return f"names the class {twice[0]} twice" if twice else ""


def _parts(score: ScoreName) -> list[str]:
    _, colon, named = score.partition(":")
    return [part.strip() for part in named.split("+")] if colon else []


def chosen_classes(score: ScoreName, classes: Sequence[str]) -> tuple[int, ...] | None:
    """Return the indices of the classes that a score names; None if it names none.

    Args:
        score: name of the score.
        classes: names of all classes.

    Raises:
        ValueError: a class is unknown, or named twice.
    """
    _, colon, named = score.partition(":")
    if not colon or known_score(score) is None:
        return None
    if named in classes:  # the name of a class may hold a plus itself
        return (classes.index(named),)
    if problem := list_problem(score):
        raise ValueError(problem)
    parts = _parts(score)
    for part in parts:
        if part not in classes:
            raise ValueError(unknown("class", part, classes))
    return tuple(classes.index(part) for part in parts)
