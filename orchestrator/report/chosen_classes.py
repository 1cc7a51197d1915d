"""Chooses classes to draw over the epochs: rare ones, and those where finalists differ."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from sqlalchemy import Engine

from searchctl.orchestrator.analysis.image_evidence import ImageEvidence
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.report.facts import ChosenClass, Unlabeled
from searchctl.orchestrator.report.trial_facts import ClassScores
from searchctl.orchestrator.statistics.paired_bootstrap import truth
from searchctl.orchestrator.storage.rows import SweepRow

MOST = 8
"""Most classes that are drawn."""


def chosen_classes(
    scores: Sequence[ClassScores], shares: Mapping[int, float], most: int = MOST
) -> list[ChosenClass]:
    """Return all classes with a score; if there are too many, rare ones and the most different.

    Args:
        scores: scores of the finalists on the validation set.
        shares: class id -> share of the labels; empty if not known.
        most: maximum number of classes; half of them are rare ones.

    Returns:
        The rarest first.
    """
    spreads = _spreads(scores)
    by_share = sorted(spreads, key=lambda class_id: (shares.get(class_id, 1.0), class_id))
    telling = sorted(by_share, key=lambda class_id: -(spreads[class_id] or 0.0))
    rare = by_share[: most // 2]
    chosen = {*rare, *[each for each in telling if each not in rare][: most - len(rare)]}
    return [
        ChosenClass(class_id, shares.get(class_id), spreads[class_id])
        for class_id in by_share
        if class_id in chosen
    ]


def label_shares(
    engine: Engine, row: SweepRow, rung: int, trials: Collection[int]
) -> dict[int, float]:
    """Return each class's share of the validation labels; empty if no counts are stored.

    Raises:
        SearchctlError: the stored counts are damaged.
    """
    stored = ImageEvidence(engine, row).counts(rung, trials)
    for counts in stored.values():  # the labels are the same for all
        pixels = truth(counts).sum(axis=0)
        return {class_id: float(share) for class_id, share in enumerate(pixels / pixels.sum())}
    return {}


def _spreads(scores: Sequence[ClassScores]) -> dict[int, float | None]:
    """Return the range of the finalists' scores for each class; None for a single finalist."""
    found: dict[int, list[float]] = {}
    for each in scores:
        for class_id, value in enumerate(each.values):
            if value is not None:
                found.setdefault(class_id, []).append(value)
    return {
        class_id: max(values) - min(values) if len(values) > 1 else None
        for class_id, values in found.items()
    }


BINS = 20
_UPPER = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Possible upper ends of the histogram: in most data sets, few pixels are unlabeled."""


def unlabeled(
    engine: Engine, row: SweepRow, trial: int, rung: int, size: tuple[int, int]
) -> Unlabeled:
    """Count the validation images by the share of their pixels that are not scored.

    Args:
        engine: the sweep's database.
        row: the sweep.
        trial: the trial whose counts are read; the labels are the same for all.
        rung: a rung where it has a score.
        size: height and width at which images are scored.

    Raises:
        SearchctlError: the counts are not stored, or damaged.
    """
    counts = ImageEvidence(engine, row).counts(rung, [trial]).get(trial)
    if counts is None:
        raise SearchctlError(f"The counts of trial {trial} are not stored.")
    shares = np.clip(1 - counts.pixels / (size[0] * size[1]), 0.0, 1.0)
    upper = next(each for each in _UPPER if shares.max() <= each)
    bins, _ = np.histogram(shares, BINS, (0.0, upper))
    return Unlabeled(
        images=len(shares),
        mean=float(shares.mean()),
        bins=[int(each) for each in bins],
        upper=upper,
        none=int((shares == 0).sum()),
    )
