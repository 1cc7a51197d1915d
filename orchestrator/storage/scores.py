"""Which scores a stored sweep has, and how views name and find them. Light: no numpy, no torch."""

from collections.abc import Mapping, Sequence
from typing import Any

from searchctl.trainer.core.results import OWN_FIELDS
from searchctl.trainer.scores.catalog import ScoreName, title


def ranked_by(spec: Mapping[str, Any]) -> ScoreName:
    """Return the score that ranks the trials of a stored sweep: the first one of its list.

    >>> ranked_by({"halving": {"score": ["val_dice", "val_miou"]}})
    'val_dice'
    """
    return _scores(spec)[0]


def recorded(spec: Mapping[str, Any]) -> list[ScoreName]:
    """Return the scores of a stored sweep that are recorded and rank nothing.

    >>> recorded({"halving": {"score": ["val_dice", "val_miou"]}})
    ['val_miou']
    """
    return _scores(spec)[1:] if "halving" in spec else []


def _scores(spec: Mapping[str, Any]) -> list[ScoreName]:
    written = spec["halving"]["score"]
    return [written] if isinstance(written, str) else list(written)


def ranking_line(spec: Mapping[str, Any]) -> str:
    """Say which score ranks, and which are recorded.

    >>> ranking_line({"halving": {"score": ["val_dice", "val_miou", "val_loss"]}})
    'val_dice (ranks the trials), also recorded: val_miou, val_loss'
    >>> ranking_line({"halving": {"score": "val_dice"}})
    'val_dice'
    """
    others = recorded(spec)
    if not others:
        return ranked_by(spec)
    return f"{ranked_by(spec)} (ranks the trials), also recorded: {', '.join(others)}"


def value_of(
    evaluations: Mapping[str, Mapping[str, Any]] | None, score: ScoreName, split: str = "val"
) -> float | None:
    """Return a score of a job on a split, from its stored evaluations."""
    of_split = (evaluations or {}).get(split, {})
    found: float | None = (
        of_split.get(OWN_FIELDS[score])
        if score in OWN_FIELDS
        else (of_split.get("scores") or {}).get(score)
    )
    return found


def shown_score(spec: Mapping[str, Any]) -> ScoreName:
    """Return the score that views show for a stored sweep.

    Classifiers that are ranked by no accuracy show it all the same.

    >>> shown_score({"task": "classification", "halving": {"score": "val_loss"}})
    'val_accuracy'
    >>> shown_score({"halving": {"score": "val_loss"}})  # stored before there were tasks
    'val_loss'
    """
    score = ranked_by(spec)
    of_images = spec.get("task") == "classification"
    return "val_accuracy" if of_images and not by_accuracy(score) else score


def by_accuracy(score: ScoreName, task: str = "segmentation") -> bool:
    """Return whether views show accuracies with this score, in place of IoUs.

    >>> by_accuracy("val_accuracy"), by_accuracy("val_dice")
    (True, False)
    """
    name = score.partition(":")[0]
    return task == "classification" or name in ("val_accuracy", "val_class_accuracy")


def epoch_scores(shown: ScoreName, others: Sequence[ScoreName]) -> dict[ScoreName, str]:
    """Return the scores of an epoch to show beside its losses, with their names.

    >>> epoch_scores("val_loss", ["val_loss", "val_dice"])
    {'val_miou': 'val mIoU', 'val_dice': 'val Dice'}
    """
    return dict(map(epoch_score, (shown, *(each for each in others if each != "val_loss"))))


def epoch_score(score: ScoreName) -> tuple[ScoreName, str]:
    """Return the score of an epoch to show beside its losses, and its name.

    >>> epoch_score("val_accuracy"), epoch_score("val_loss")
    (('val_accuracy', 'val accuracy'), ('val_miou', 'val mIoU'))
    """
    shown = "val_miou" if score == "val_loss" else score
    return shown, f"val {title(shown)}"


def split_scores(score: ScoreName, others: Sequence[ScoreName] = ()) -> dict[str, str]:
    """Return the scores of a split to show: name -> field of an Evaluation, or name of a score.

    >>> list(split_scores("val_accuracy"))
    ['accuracy', 'mean accuracy']
    """
    further = {title(each): each for each in (score, *others) if each not in OWN_FIELDS}
    if by_accuracy(score):  # in classification, IoU is not a common measure
        return {"accuracy": "overall_accuracy", "mean accuracy": "mean_accuracy", **further}
    means = {"mean accuracy": "mean_accuracy", "overall accuracy": "overall_accuracy"}
    return {"mIoU": "miou", **means, **further}


def split_value(evaluation: Mapping[str, Any], name: str) -> float | None:
    """Return a number of a stored evaluation, by a value of `split_scores`."""
    found: float | None = evaluation.get(name, (evaluation.get("scores") or {}).get(name))
    return found
