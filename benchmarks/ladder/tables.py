"""A truth table: what every configuration of a space scores at every fidelity, with several seeds.

On disk it is a file of JSON lines. The first line describes the table; each further line is one
job: its seed, its training images, its trial, and the validation mIoU of each epoch (an empty list
if it diverged or failed).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

Cell = tuple[int, int, int]
"""Seed, training images, trial."""
FORWARDS_PER_TRAINING_IMAGE = 3
"""A backward pass costs about two forward passes."""


@dataclass(frozen=True)
class Table:
    """One table."""

    params: tuple[Mapping[str, Any], ...]
    """Each trial's point of the space; a trial is its index."""
    images: tuple[int, ...]
    """Training images of each fidelity, increasing; the last is the whole data set."""
    validation: int
    """Validation images."""
    epochs: int
    batch_size: int
    curves: Mapping[Cell, tuple[float, ...]]
    """Validation mIoU after each epoch of each job."""
    about: Mapping[str, Any]
    """What was trained, on which machine."""

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a table."""
        first, *lines = file.read_text().splitlines()
        about = json.loads(first)
        rows = [json.loads(line) for line in lines]
        return cls(
            params=tuple(about["params"]),
            images=tuple(about["images"]),
            validation=about["validation"],
            epochs=about["epochs"],
            batch_size=about["batch_size"],
            curves={(r["seed"], r["images"], r["trial"]): tuple(r["miou"]) for r in rows},
            about={name: value for name, value in about.items() if name != "params"},
        )

    @property
    def full(self) -> int:
        """Training images of the last rung."""
        return self.images[-1]

    @property
    def trials(self) -> range:
        """All trials."""
        return range(len(self.params))

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds with which every trial was trained on all images."""
        found = sorted({seed for seed, _, _ in self.curves})
        return tuple(
            s for s in found if all((s, self.full, trial) in self.curves for trial in self.trials)
        )

    def cost(
        self, images: int, *, epochs: int | None = None, validations: int | None = None
    ) -> int:
        """Return a job's cost in forward passes of one image, validation included.

        Args:
            images: its training images.
            epochs: its epochs; all of them, if None.
            validations: epochs in which the validation set is scored; all of its own, if None.
        """
        epochs = self.epochs if epochs is None else epochs
        scored = epochs if validations is None else validations
        return FORWARDS_PER_TRAINING_IMAGE * images * epochs + self.validation * scored


@dataclass(frozen=True)
class Run:
    """What a strategy sees: each trial's score on each number of images, by one seed for each."""

    table: Table
    seeds: Mapping[int, int]
    """Images -> seed. A sweep has one seed; another for each rung gives more runs from one table,
    because jobs on unequal samples have different random numbers anyway."""

    @classmethod
    def of(cls, table: Table, seed: int) -> Self:
        """Return the run of a sweep with this seed."""
        return cls(table, dict.fromkeys(table.images, seed))

    @property
    def full_seed(self) -> int:
        """The seed of the jobs on all images."""
        return self.seeds[self.table.full]

    def score(self, trial: int, images: int, *, last: int | None = None) -> float | None:
        """Return the score of a job: its best validation; None if it diverged.

        Args:
            trial: the trial.
            images: the job's training images.
            last: how many epochs at the end are validated; every epoch, if None.
        """
        curve = self.table.curves[self.seeds[images], images, trial]
        return max(curve[-(last or 0) :], default=None)

    def score_after(self, trial: int, epochs: int) -> float | None:
        """Return the best validation of the first epochs of the job on all images."""
        curve = self.table.curves[self.full_seed, self.table.full, trial]
        return max(curve[:epochs], default=None)
