"""Checks of the class table against labels: absent classes, meaningless scores."""

from collections.abc import Iterator, Sequence

import numpy as np

from searchctl.trainer.core.errors import first_few
from searchctl.trainer.data.checks.leaks import counted
from searchctl.trainer.data.checks.report import SplitReport
from searchctl.trainer.data.facts.image_facts import Seeing
from searchctl.trainer.data.resizing import Size
from searchctl.trainer.data.sets.base import Dataset

MOST_IGNORED = 0.5
"""Share of ignored pixels above which a split is warned of."""
LEAST_LEFT = 0.5
"""Share of a class's training images that should still hold it at the training size."""
_LISTED = 8


def class_problems(dataset: Dataset, splits: Sequence[SplitReport]) -> Iterator[str]:
    """Report what makes every score 0 or 1 for every network."""
    advice = _advice(dataset, splits)
    held = {report.split: report.class_images > 0 for report in splits if report.read}
    for split in ("train", "val"):
        if split not in held:
            continue
        present = np.flatnonzero(held[split])
        if not len(present):
            yield f"no mask of the {split} split holds any pixel of a class{advice}"
        elif len(present) == 1:
            name = dataset.class_names[present[0]]
            yield (
                f"the {split} labels hold one class alone, '{name}': a network that predicts it "
                f"everywhere scores 1{advice}"
            )
    if {"train", "val"} <= held.keys() and not (held["train"] & held["val"]).any():
        yield f"no class of the val labels occurs in the train labels: every trial scores 0{advice}"


def class_warnings(
    dataset: Dataset, splits: Sequence[SplitReport], seeing: Seeing | None
) -> Iterator[str]:
    """Say which classes a split does not hold, what is ignored, and what small images lose."""
    advice = _advice(dataset, splits)
    for report in splits:
        absent = [
            name
            for name, images in zip(dataset.class_names, report.class_images, strict=True)
            if not images
        ]
        if report.read and absent and report.split != "test":
            effect = ": networks cannot learn what they never see" + advice
            yield (
                f"no image of {report.split} holds {first_few(absent, _LISTED)}"
                f"{effect * (report.split == 'train')}"
            )
        empty = [
            name
            for name, facts in zip(report.names, report.facts, strict=True)
            if facts and not facts.pixels.any()
        ]
        if empty:
            yield f"{report.split} has {counted(empty, 'image')} without any labeled pixel"
        if report.unlabeled_share > MOST_IGNORED:
            yield (
                f"{100 * report.unlabeled_share:.0f} % of the {report.split} pixels are ignored: "
                f"they are neither trained on nor scored{advice}"
            )
    if seeing is not None:
        yield from _lost(dataset, splits[0], seeing.image_size)


def _lost(dataset: Dataset, train: SplitReport, image_size: Size) -> Iterator[str]:
    lost = [
        f"{name} in {round((1 - left) * images)} of {images}"
        for name, left, images in zip(
            dataset.class_names, train.left, train.class_images, strict=True
        )
        if left < LEAST_LEFT  # not of NaN
    ]
    if lost:
        yield (
            f"at image_size {image_size[0]}x{image_size[1]}, classes are gone from most training "
            f"images that hold them ({first_few(lost, _LISTED)}): set a larger image_size, or an "
            "augment that crops"
        )


def _advice(dataset: Dataset, splits: Sequence[SplitReport]) -> str:
    values = {v for report in splits for facts in report.read for v in facts.seen.values}
    advice = dataset.advice(values)
    return f". {advice[0].upper()}{advice[1:]}" if advice else ""
