"""How much jobs compute, for the time that is left: in training images."""

from collections.abc import Sequence
from dataclasses import dataclass

from searchctl.orchestrator.planning.plan import PASSES_OF_TRAINING, Plan
from searchctl.trainer.core.results import EpochRecord


@dataclass(frozen=True)
class EpochWork:
    """The work of epochs. A validation image counts for a third of a training image."""

    validation: float = 0.0
    """Of scoring the validation set once; 0 if that is unknown, or done by a script."""
    validations: Sequence[float] = ()
    """Validations per epoch at each rung, on average."""

    def expected(self, rung: int, images: int) -> float:
        """Return the mean work of an epoch on so many images at a rung."""
        return images + (self.validation * self.validations[rung] if self.validation else 0.0)

    def done(self, images: int, validations: int) -> float:
        """Return the work of epochs that trained on so many images in all."""
        return images + self.validation * validations


def validations_in(record: EpochRecord) -> int:
    """Return how often an epoch scored the validation set."""
    return int(record.val_loss is not None)


def work_of(plan: Plan) -> EpochWork:
    """Return the work of a sweep's epochs."""
    scored = [
        plan.validation.on(last=rung.fraction == 1).count(plan.epochs) / plan.epochs
        for rung in plan.ladder.rungs
    ]
    return EpochWork((plan.val or 0) / PASSES_OF_TRAINING, scored)
