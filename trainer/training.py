"""A training in progress: the network with all that changes from step to step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer

from trainer.finetune import freeze
from trainer.lr_schedules import LRSchedule, build_lr_schedule
from trainer.models.base import SegmentationModel
from trainer.optimizers import build_optimizer
from trainer.progress import Progress
from trainer.settings import Score, TrainSettings


@dataclass
class Training:
    """Everything that the next epoch depends on, but the settings and the data.

    Random numbers are not a part of it: they are functions of (seed, rung, epoch, image), and no
    generator's state outlives an epoch. Nor is a gradient scaler: bf16 has the range of fp32, and
    its gradients need none.
    """

    model: SegmentationModel
    """On its device."""
    optimizer: Optimizer
    schedule: LRSchedule
    progress: Progress

    def state_dict(self) -> dict[str, Any]:
        """Return all of it as tensors, numbers and containers of these."""
        return {
            "model": dict(self.model.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "progress": self.progress.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where another training of the same settings was."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.progress = Progress.from_state_dict(state["progress"], state["model"])


def begin_training(
    model: SegmentationModel, settings: TrainSettings, *, steps: int, score: Score
) -> Training:
    """Return a training before its first epoch, of so many steps each, of a model on its device."""
    freeze(model, settings.finetune)
    optimizer = build_optimizer(settings, model)
    schedule = build_lr_schedule(optimizer, settings, steps=steps, score=score)
    return Training(model, optimizer, schedule, Progress())
