"""A training in progress: the network with all that changes from step to step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from searchctl.trainer.ddp.group import SINGLE_PROCESS, ProcessGroup
from searchctl.trainer.ddp.wrapper import DistributedWrapper, ModelWrapper
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.models.finetune import freeze
from searchctl.trainer.optim.ema import Average
from searchctl.trainer.optim.lr_schedules import LRSchedule, build_lr_schedule
from searchctl.trainer.optim.optimizers import build_optimizer
from searchctl.trainer.optim.restoring import restore_optimizer
from searchctl.trainer.run.progress import TrainingProgress
from searchctl.trainer.settings.training import TrainSettings


@dataclass
class Training:
    """Everything that the next epoch depends on, except the settings and the data.

    Random numbers are no part of it: they are functions of (seed, images, epoch, image), and no
    generator's state outlives an epoch. There is no gradient scaler either: bf16 has the range of
    fp32, so its gradients need none.
    """

    model: SegmentationModel
    """On its device."""
    optimizer: Optimizer
    schedule: LRSchedule
    average: Average | None
    """Of the model, if `ema` is set."""
    progress: TrainingProgress
    wrapper: ModelWrapper
    """The model as it is trained: together with those of other processes, or alone."""

    @property
    def scored_model(self) -> SegmentationModel:
        """The network that is validated, kept and saved: the average, if there is one."""
        return self.average.model if self.average else self.model

    def step(self, clip_norm: float | None) -> Tensor | float:
        """Update the weights by their gradients, and clear the gradients.

        Args:
            clip_norm: norm to which the gradient of all weights together is cut back (Pascanu et
                al., 'On the difficulty of training recurrent neural networks', 2013); None: never.

        Returns:
            The norm before clipping, for the caller to check: where it is not finite, neither are
            the weights now, or they were not changed. 0 without a `clip_norm`.
        """
        norm = 0.0 if clip_norm is None else clip_grad_norm_(self.model.parameters(), clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.schedule.after_step()
        if self.average:
            self.average.update(self.model)
        return norm

    def state_dict(self) -> dict[str, Any]:
        """Return all of it as tensors, numbers and containers of these."""
        return {
            "model": dict(self.model.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "progress": self.progress.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the state of another training of the same settings."""
        self.model.load_state_dict(state["model"])
        restore_optimizer(self.optimizer, state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.average:
            self.average.load_state_dict(state["average"])
        scored = state["average"] or state
        self.progress = TrainingProgress.from_state_dict(state["progress"], scored["model"])


def begin_training(
    model: SegmentationModel,
    settings: TrainSettings,
    *,
    steps: int,
    higher_is_better: bool,
    process_group: ProcessGroup = SINGLE_PROCESS,
) -> Training:
    """Return a training of a model on its device, before its first epoch.

    Args:
        model: with its initial weights.
        settings: of the trial.
        steps: optimizer steps in an epoch.
        higher_is_better: the direction of the score, for the plateau schedule.
        process_group: the processes that train it, each of which calls this.

    Raises:
        SettingsError: a setting does not go with the network, or not with another one.
    """
    freeze(model, settings.finetune)
    optimizer = build_optimizer(settings, model)
    schedule = build_lr_schedule(
        optimizer, settings, steps=steps, higher_is_better=higher_is_better
    )
    average = Average(model, settings.ema) if settings.ema else None
    wrapper = (
        ModelWrapper(model)
        if process_group is SINGLE_PROCESS
        else DistributedWrapper(model, process_group)
    )
    return Training(model, optimizer, schedule, average, TrainingProgress(), wrapper)
