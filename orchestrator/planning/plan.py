"""Plans the ladder and its cost without reading the data set, and without torch or Ray."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Literal

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.config.validation import SweepValidation, validation_of
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.halving.rule import Ladder
from searchctl.orchestrator.planning.cost import Span, total
from searchctl.orchestrator.planning.disk import checkpoint_bytes_per_weight, most_kept
from searchctl.orchestrator.planning.ladders import cohort_ladders
from searchctl.orchestrator.planning.stages import StageCost, stage_costs, stages_of
from searchctl.trainer.data.settings import OwnData, Split

PASSES_OF_TRAINING = 3
"""A training image takes about as long as three validation images: forward once, backward twice."""


@dataclass(frozen=True)
class DiskPerWeight:
    """Disk space in bytes per weight of a network; the number of weights is not known yet."""

    checkpoint: tuple[int, int]
    """Bytes per weight of the smallest and of the largest checkpoint."""
    kept: int
    """Maximum number of trials whose weights are kept at the same time."""


@dataclass(frozen=True)
class Plan:
    """The stages of a sweep, and their cost compared with the full grid."""

    ladders: tuple[Ladder, ...]
    """The ladder of each cohort."""
    epochs: int
    """Epochs of a job; the maximum if `epochs` is searched."""
    fewest_epochs: int
    """Epochs of the shortest job."""
    costs: tuple[StageCost, ...]
    """Cost of each rung of the ladders, then of the follow-up jobs."""
    grid_images: int
    """Training images if all trials were trained on all of the data."""
    disk: DiskPerWeight | None
    """None where a script trains: only it knows what it writes."""
    continued: Literal["retrain", "warm"]
    """Initial weights of a survivor on the next rung: fresh ones, or its own."""
    patient: bool
    """Whether jobs may stop early (`patience`). All costs are then upper bounds."""
    validation: SweepValidation
    """In which epochs the jobs of each rung score the validation set."""
    val: int | None
    """Size of the validation split, if it is known and searchctl scores it."""
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values; numbers that depend on the survivors are spans."""
        validation = self.validation_span
        return {
            "ladder": [self._rung_json(c) for c in self.costs if c.stage.kind == "ladder"],
            "after": [self._after_json(c) for c in self.costs if c.stage.kind != "ladder"],
            "cohorts": len(self.ladders),
            "full_trainings": float(self.full_trainings),
            "full_trainings_after": self.after,
            "grid_full_trainings": self.trials,
            "continue": self.continued,
            "images_trained": self.images_trained,
            "images_trained_span": asdict(self.images_span),
            "grid_images": self.grid_images,
            "validation_images": self.validation_images,
            "validation_images_span": asdict(validation) if validation else None,
            "validation_share": self.validation_share,
            "validate": {
                "below": self.validation.below.model_dump(),
                "last": self.validation.last.model_dump(),
            },
            "disk_per_weight": asdict(self.disk) if self.disk else None,
            "warnings": list(self.warnings),
        }

    def _rung_json(self, cost: StageCost) -> dict[str, Any]:
        rung = cost.stage.rung
        return {
            "rung": rung.number,
            "cohort": cost.stage.cohort or 0,
            "trials": rung.trials,
            "fraction": float(rung.fraction),
            "images": rung.images,
            "epochs": self.epochs,
            "fewest_epochs": self.fewest_epochs,
            **_cost_json(cost),
        }

    def _after_json(self, cost: StageCost) -> dict[str, Any]:
        return {"kind": cost.stage.kind, "jobs": cost.stage.jobs, **_cost_json(cost)}

    @property
    def ladder(self) -> Ladder:
        """The ladder of the first cohort."""
        return self.ladders[0]

    @property
    def trials(self) -> int:
        """Number of trials of all cohorts."""
        return sum(ladder.trials for ladder in self.ladders)

    @property
    def full_trainings(self) -> Fraction:
        """Cost of all ladders, in units of one training on all of the data."""
        return sum((ladder.full_trainings for ladder in self.ladders), start=Fraction(0))

    @property
    def after(self) -> int:
        """Number of follow-up jobs, each a training on all of the data."""
        return sum(cost.stage.jobs for cost in self.costs if cost.stage.kind != "ladder")

    @property
    def images_span(self) -> Span:
        """Training images of all epochs of the whole sweep."""
        return total(cost.images for cost in self.costs)

    @property
    def images_trained(self) -> int:
        """Expected number of training images."""
        return round(self.images_span.expected)

    @property
    def validation_span(self) -> Span | None:
        """Validation images that the whole sweep scores; None if the split's size is unknown."""
        of_rungs = [cost.validation_images for cost in self.costs if cost.validation_images]
        return total(of_rungs) if of_rungs else None

    @property
    def validation_images(self) -> int | None:
        """Expected number of scored validation images; None if it is unknown."""
        span = self.validation_span
        return None if span is None else round(span.expected)

    @property
    def validation_share(self) -> float | None:
        """Share of validation in all computing; None if the split's size is unknown."""
        scored, trained = self.validation_images, self.images_span.expected
        return None if scored is None else scored / (scored + PASSES_OF_TRAINING * trained)


def plan_sweep(
    sweep: Sweep,
    images: int | None = None,
    val: int | None = None,
    ladders: tuple[Ladder, ...] | None = None,
) -> Plan:
    """Plan a sweep.

    Args:
        sweep: the sweep.
        images: size of the training split, if its files have been counted.
        val: size of the validation split, if its files have been counted.
        ladders: the stored ladders of its cohorts; those of a launch, if None.

    Raises:
        SearchctlError: the size of the data set is unknown, and its files cannot be counted.
    """
    sizes = _sizes(sweep, images, val)
    ladders = ladders or cohort_ladders(sweep, sizes["train"])
    epochs, validation = trial_epochs(sweep), validation_of(sweep)
    val = None if sweep.script else sizes.get("val")
    return Plan(
        ladders,
        epochs=max(epochs),
        fewest_epochs=min(epochs),
        costs=tuple(stage_costs(stages_of(sweep, ladders), epochs, validation, val)),
        grid_images=sizes["train"] * sum(epochs),
        disk=None if sweep.script else _disk(sweep, ladders),
        continued=sweep.halving.continue_,
        patient=sweep.recipe.patience is not None or "patience" in sweep.space_.names,
        validation=validation,
        val=val,
        warnings=tuple(
            dict.fromkeys(
                [*sweep.warnings, *(each for ladder in ladders for each in ladder.warnings)]
            )
        ),
    )


def trial_epochs(sweep: Sweep) -> list[int]:
    """Return the epochs of each trial, in the order of their numbers."""
    epochs = sweep.recipe.epochs
    if "epochs" not in sweep.space_.names:
        return [epochs] * len(sweep.trials())
    values = (params.get("epochs", epochs) for params in sweep.trials())
    return [int(each) for each in values]  # type: ignore[arg-type]


def _cost_json(cost: StageCost) -> dict[str, Any]:
    validation = cost.validation_images
    return {
        "images_trained": asdict(cost.images),
        "validation_images": asdict(validation) if validation else None,
    }


def _disk(sweep: Sweep, ladders: Sequence[Ladder]) -> DiskPerWeight:
    # Only these settings change the size of a checkpoint: a large grid has few distinct cases.
    names = ("epochs", "optimizer", "momentum", "amsgrad", "ema")
    searched = [name for name in names if name in sweep.space_.names]
    trials = sweep.trials() if searched else ()
    distinct = {tuple((n, p[n]) for n in searched if n in p): None for p in trials} or {(): None}
    sizes = [
        checkpoint_bytes_per_weight(sweep.recipe.model_copy(update=dict(values)))
        for values in distinct
    ]
    kept = sum(most_kept(each, warm=sweep.halving.continue_ == "warm") for each in ladders)
    return DiskPerWeight((min(sizes), max(sizes)), kept)


def _sizes(sweep: Sweep, images: int | None, val: int | None) -> dict[Split, int]:
    """Return the known sizes of the splits. The training split is always among them."""
    sizes: dict[Split, int] = dict(sweep.data.counts() or {})
    found: Mapping[Split, int | None] = {"train": images, "val": val}
    sizes |= {split: count for split, count in found.items() if count is not None}
    return sizes if "train" in sizes else _counted(sweep)


def _counted(sweep: Sweep) -> dict[Split, int]:
    """Count the images on the disk."""
    from searchctl.trainer.data.opening import open_dataset  # most plans need no image library

    if isinstance(sweep.data, OwnData):
        raise SearchctlError(
            f"the number of training images is unknown: a plan does not run {sweep.data.dataset}; "
            "set `train_images:` under `data:`"
        )
    try:
        dataset = open_dataset(sweep.data)
        return {"train": len(dataset.names("train")), "val": len(dataset.names("val"))}
    except Exception as error:
        raise SearchctlError(
            f"the number of training images is unknown: {error}; "
            "set `train_images:` under `data:`, or name the directory with --data-root"
        ) from error
