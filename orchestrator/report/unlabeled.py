"""How much of each validation image has no class, from the stored counts of a job."""

import numpy as np
from sqlalchemy import Engine

from searchctl.orchestrator.analysis.image_evidence import ImageEvidence
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.report.facts import Unlabeled
from searchctl.orchestrator.storage.rows import SweepRow

BINS = 20
_UPPER = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Where a histogram may end: in most data sets, few pixels have no class."""


def unlabeled(
    engine: Engine, row: SweepRow, trial: int, rung: int, size: tuple[int, int]
) -> Unlabeled:
    """Count the validation images by the share of their pixels that are not scored.

    Args:
        engine: the sweep's database.
        row: the sweep.
        trial: whose counts are read: the labels are the same for all.
        rung: where it has a score.
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
