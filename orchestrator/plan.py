"""The ladder and its cost, before anything runs; needs no data on the disk, no torch and no Ray."""

from dataclasses import dataclass
from typing import Any

from orchestrator.errors import SearchctlError
from orchestrator.halving import Ladder, plan_ladder
from orchestrator.sweep import Sweep
from trainer.catalog import DATASETS, load


@dataclass(frozen=True)
class Plan:
    """What a sweep will do, and what it costs beside the full grid."""

    ladder: Ladder
    epochs: int
    """Epochs of a job (the most that is searched, where `epochs` is an axis)."""
    validation_images: int | None
    """Validation images scored over the whole sweep; None where their number is not known."""
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return {
            "ladder": [
                {
                    "rung": rung.number,
                    "trials": rung.trials,
                    "fraction": float(rung.fraction),
                    "images": rung.images,
                    "epochs": self.epochs,
                }
                for rung in self.ladder.rungs
            ],
            "full_trainings": float(self.ladder.full_trainings),
            "grid_full_trainings": self.ladder.trials,
            "images_trained": self.images_trained,
            "validation_images": self.validation_images,
            "warnings": list(self.warnings),
        }

    @property
    def images_trained(self) -> int:
        """Training images seen over the whole sweep, each epoch counted."""
        return sum(rung.trials * rung.images for rung in self.ladder.rungs) * self.epochs


def plan_sweep(sweep: Sweep, images: int | None = None) -> Plan:
    """Plan a sweep; `images` is the training split's size where the disk has been looked at.

    Raises:
        SearchctlError: the size of the data set is neither known nor to be counted.
    """
    halving, trials = sweep.halving, sweep.trials()
    ladder = plan_ladder(
        len(trials),
        images or sweep.train_images() or _count(sweep),
        eta=halving.eta,
        finalists=halving.finalists,
        keep=halving.keep,
        min_fraction=halving.min_fraction,
        fractions=halving.fractions,
        min_images=sweep.largest_batch,
    )
    epochs = max(int(params.get("epochs", sweep.training.epochs)) for params in trials)  # type: ignore[arg-type]
    val = (sweep.data.counts() or {}).get("val")
    scored = sum(sweep.training.validate_.due(e, epochs) for e in range(1, epochs + 1))
    jobs = sum(rung.trials for rung in ladder.rungs)
    validation = None if val is None else jobs * scored * val
    return Plan(ladder, epochs, validation, (*sweep.warnings, *ladder.warnings))


def _count(sweep: Sweep) -> int:
    """Count the training images on the disk: the settings alone do not tell."""
    try:
        names = load(DATASETS, sweep.data.dataset)(sweep.data).names("train")
    except Exception as error:
        raise SearchctlError(
            f"how many training images there are is not known: {error}; "
            "write it as `train_images:` under `data:`, or name the directory with --data-root"
        ) from error
    return len(names)
