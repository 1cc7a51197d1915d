"""How much jobs compute, for the time that is left: in training images."""

from dataclasses import dataclass

from searchctl.orchestrator.planning.plan import PASSES_OF_TRAINING, Plan
from searchctl.trainer.core.results import EpochRecord


@dataclass(frozen=True)
class EpochWork:
    """The work of epochs. A validation image counts for a third of a training image."""

    validation: float = 0.0
    """Of scoring the validation set once; 0 if that is unknown, or done by a script."""
    below: float = 0.0
    """Validations per epoch below the last rung, on average."""
    last: float = 0.0
    """Validations per epoch on the last rung, on average."""

    def expected(self, last: bool, images: int) -> float:
        """Return the mean work of an epoch on so many images; is it one of the last rung?"""
        return images + self.validation * (self.last if last else self.below)

    def done(self, images: int, validations: int) -> float:
        """Return the work of epochs that trained on so many images in all."""
        return images + self.validation * validations


def validations_in(record: EpochRecord) -> int:
    """Return how often an epoch scored the validation set."""
    return int(record.val_loss is not None)


def work_of(plan: Plan) -> EpochWork:
    """Return the work of a sweep's epochs."""
    below, last = (
        plan.validation.on(last=last).count(plan.epochs) / plan.epochs for last in (False, True)
    )
    return EpochWork((plan.val or 0) / PASSES_OF_TRAINING, below, last)
