"""Masks of two codings in one data set: some say 1, others 255 for the same class."""

from collections.abc import Iterator, Sequence

import numpy as np

from searchctl.trainer.core.errors import first_few
from searchctl.trainer.data.checks.report import SplitReport
from searchctl.trainer.data.facts.image_facts import ImageFacts
from searchctl.trainer.data.sets.base import Dataset

LEAST_SHARE = 0.02
"""Share of masks from which ignored pixels beside one class alone are warned of."""
MOST_BOTH = 0.05
"""Masks of several classes with ignored pixels, for each mask of one class with such pixels."""


def coding_warnings(dataset: Dataset, splits: Sequence[SplitReport]) -> Iterator[str]:
    """Report an ignored value that seems to be a class in some of the masks.

    It stands where other masks have a class: masks that hold it lack every class but one, and masks
    of those classes lack it. Where void belongs to the drawing, both occur in one mask.
    """
    named = [
        (f"{report.split}/{name}", facts)
        for report in splits
        for name, facts in zip(report.names, report.facts, strict=True)
        if facts
    ]
    ignoring = [(name, facts) for name, facts in named if facts.unlabeled]
    full = [facts for _, facts in named if not facts.unlabeled]
    held = _most_held([facts for _, facts in ignoring])
    lacking = [(name, facts) for name, facts in ignoring if not _others(facts, held)]
    whole = [facts for facts in full if _others(facts, held)]
    both = len(ignoring) - len(lacking)
    if not lacking or not whole or both > MOST_BOTH * len(lacking):
        return
    values = {v for _, facts in lacking for v in facts.seen.values}
    values -= {v for facts in whole for v in facts.seen.values}
    if not values or len(lacking) < LEAST_SHARE * len(named):
        return
    classes = sorted({each for facts in whole for each in _others(facts, held)})
    missing = first_few([f"'{dataset.class_names[each]}'" for each in classes])
    listed = " and ".join(map(str, sorted(values)))
    yield (
        f"{len(lacking)} of {len(named)} masks hold {listed} (ignored) and no {missing}, while "
        f"{len(whole)} hold {missing} and no {listed}: does {listed} mean a class there? Then "
        f"write the same value in all masks ({first_few([name for name, _ in lacking])})"
    )


def _most_held(facts: Sequence[ImageFacts]) -> int:
    """Return the class that most of these masks hold; 0 if there are none."""
    return int(np.sum([each.pixels > 0 for each in facts], axis=0).argmax()) if facts else 0


def _others(facts: ImageFacts, held: int) -> list[int]:
    """Return the classes of a mask but for one."""
    return [int(each) for each in np.flatnonzero(facts.pixels) if each != held]
