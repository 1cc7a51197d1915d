"""The optimizers and LR schedules by name: where each one is, and its options. Without torch."""

from abc import abstractmethod
from typing import Annotated, Literal

from pydantic import Field

from searchctl.trainer.settings.marks import Mark
from searchctl.trainer.settings.parts import Options, Part


class OptimizerOptions(Options):
    """Base of the options of an optimizer."""

    @property
    @abstractmethod
    def states(self) -> int:
        """Numbers that the optimizer remembers for each weight that it trains."""


class FusedOptions(OptimizerOptions):
    """Of an optimizer whose step can be one kernel."""

    fused: Annotated[Literal["auto"] | bool, Mark.ROUNDING] = "auto"
    """Whether an optimizer step updates all weights by one kernel; auto is true on a GPU only."""


class AdamOptions(FusedOptions):
    """Options of `adam` and `adamw`."""

    amsgrad: bool = False
    """The AMSGrad variant."""

    @property
    def states(self) -> int:
        """Two moments, and with AMSGrad the largest second one."""
        return 2 + self.amsgrad


class AdamaxOptions(OptimizerOptions):
    """Options of `adamax`."""

    @property
    def states(self) -> int:
        """A moment and the infinity norm."""
        return 2


class SgdOptions(FusedOptions):
    """Options of `sgd`."""

    momentum: Annotated[float, Field(ge=0, lt=1), Mark.SWITCH] = 0.9
    """Momentum."""

    @property
    def states(self) -> int:
        """The momentum, if there is any."""
        return int(self.momentum > 0)


class DecayOptions(Options):
    """Options of the schedules that decay by a factor."""

    lr_decay: Annotated[float, Field(gt=0, le=1), Mark.SAME_SPEED] = 1.0
    """Decay factor (gamma) of the learning rate; 1 keeps it."""


class StepOptions(DecayOptions):
    """Options of `step`."""

    lr_step: Annotated[int, Field(ge=1), Mark.SAME_SPEED] = 10
    """Epochs between two decays."""


class PlateauOptions(DecayOptions):
    """Options of `plateau`."""

    lr_patience: Annotated[int, Field(ge=0), Mark.SAME_SPEED] = 5
    """Validations without a better score that the schedule lets pass; the next one decays."""


class PolyOptions(Options):
    """Options of `poly`."""

    lr_power: Annotated[float, Field(gt=0), Mark.SAME_SPEED] = 0.9
    """Exponent of the schedule: lr * (1 - step / steps) ** lr_power."""


_OPTIMIZERS = "searchctl.trainer.optim.optimizers"
_LR_SCHEDULES = "searchctl.trainer.optim.lr_schedules"

OPTIMIZERS = {
    "adamw": Part(f"{_OPTIMIZERS}:adamw", AdamOptions),
    "adam": Part(f"{_OPTIMIZERS}:adam", AdamOptions),
    "adamax": Part(f"{_OPTIMIZERS}:adamax", AdamaxOptions),
    "sgd": Part(f"{_OPTIMIZERS}:sgd", SgdOptions),
}
"""Name in a sweep.yaml -> the optimizer."""

LR_SCHEDULES = {
    "constant": Part(f"{_LR_SCHEDULES}:constant"),
    "step": Part(f"{_LR_SCHEDULES}:step", StepOptions),
    "plateau": Part(f"{_LR_SCHEDULES}:plateau", PlateauOptions),
    "one_cycle": Part(f"{_LR_SCHEDULES}:one_cycle"),
    "poly": Part(f"{_LR_SCHEDULES}:poly", PolyOptions),
    "cosine": Part(f"{_LR_SCHEDULES}:cosine"),
}
"""Name in a sweep.yaml -> the LR schedule."""
