"""The training loop."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer

from trainer.evaluate import Scored
from trainer.finetune import freeze, training_mode
from trainer.loader import TrainingBatches
from trainer.losses import Loss
from trainer.lr_schedules import LRSchedule, build_lr_schedule
from trainer.metrics import better, score_of
from trainer.models.base import SegmentationModel
from trainer.optimizers import build_optimizer
from trainer.precision import Arithmetic
from trainer.results import EpochRecord
from trainer.seeds import derive_seed
from trainer.settings import Score, TrainSettings
from trainer.stopping import Diverged, Stop, until_stopped

GPU_STEPS_BETWEEN_CHECKS = 50
"""Looking at a loss makes the CPU wait for the GPU; on a CPU it costs nothing."""


@dataclass(frozen=True)
class Kept:
    """The epoch with the best score, of several such epochs the earliest."""

    epoch: int
    score: float
    validation: Scored
    weights: dict[str, Tensor]
    """A copy of the state dict, on the CPU."""


def train(
    model: SegmentationModel,
    batches: TrainingBatches,
    loss: Loss,
    validate: Callable[[], Scored],
    settings: TrainSettings,
    arithmetic: Arithmetic,
    *,
    score: Score,
    seed: int,
    rung: int,
    on_epoch: Callable[[EpochRecord], None],
    stop: Stop,
) -> Kept:
    """Train a model, already on its device, and return its best epoch.

    Raises:
        Diverged: a training or validation loss was NaN or infinite.
        Stopped: asked to leave.
    """
    optimizer = build_optimizer(settings, freeze(model, settings.finetune))
    schedule = build_lr_schedule(optimizer, settings, steps=len(batches), score=score)
    kept: Kept | None = None
    validations_without_better = 0

    for epoch in range(1, settings.epochs + 1):
        started, lr, scored = time.perf_counter(), optimizer.param_groups[0]["lr"], None
        torch.manual_seed(derive_seed(seed, "epoch", rung, epoch))  # for dropout
        training_mode(model, settings.finetune)
        train_loss, images = train_epoch(
            model, batches, epoch, loss, optimizer, schedule, arithmetic, stop
        )

        if settings.validate_.due(epoch, settings.epochs):
            scored = validate()
            if not math.isfinite(scored[0].loss):
                raise Diverged(f"the validation loss was {scored[0].loss} after epoch {epoch}")
            value = score_of(scored[0], score)
            validations_without_better += 1
            if kept is None or better(value, kept.score, score):
                kept = Kept(epoch, value, scored, _copy(model))
                validations_without_better = 0

        on_epoch(_record(epoch, train_loss, lr, images, time.perf_counter() - started, scored))
        schedule.after_epoch(score_of(scored[0], score) if scored else None)
        if settings.patience and validations_without_better >= settings.patience:
            break

    assert kept is not None, "the last epoch is always validated"
    return kept


def train_epoch(
    model: SegmentationModel,
    batches: TrainingBatches,
    epoch: int,
    loss: Loss,
    optimizer: Optimizer,
    schedule: LRSchedule,
    arithmetic: Arithmetic,
    stop: Stop,
) -> tuple[float, int]:
    """Take one optimizer step for each batch; return the mean loss of an image, and the images.

    Raises:
        Diverged: the loss was NaN or infinite.
        Stopped: asked to leave.
    """
    loss_sum = torch.zeros((), dtype=torch.float64, device=arithmetic.device)
    steps_between_checks = 1 if arithmetic.device.type == "cpu" else GPU_STEPS_BETWEEN_CHECKS
    images_seen = 0
    for step, (images, labels) in enumerate(until_stopped(batches.epoch(epoch), stop), start=1):
        labels = labels.to(arithmetic.device, non_blocking=True)
        batch_loss = loss(arithmetic.logits(model, images), labels)
        # Losses are not negative, so a NaN or an infinity stays in the sum until it is looked at.
        loss_sum += batch_loss.detach() * len(images)
        images_seen += len(images)
        if step % steps_between_checks == 0 or step == len(batches):
            _check_finite(loss_sum, epoch, step)
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
        schedule.after_step()
    return loss_sum.item() / images_seen, images_seen


def _check_finite(loss_sum: Tensor, epoch: int, step: int) -> None:
    if not math.isfinite(loss_sum.item()):
        raise Diverged(f"the training loss was NaN or infinite by step {step} of epoch {epoch}")


def _copy(model: SegmentationModel) -> dict[str, Tensor]:
    return {name: value.to("cpu", copy=True) for name, value in model.state_dict().items()}


def _record(
    epoch: int, train_loss: float, lr: float, images: int, seconds: float, scored: Scored | None
) -> EpochRecord:
    validation = scored[0] if scored else None
    return EpochRecord(
        epoch=epoch,
        train_loss=train_loss,
        lr=lr,
        images=images,
        seconds=seconds,
        val_loss=validation.loss if validation else None,
        val_miou=validation.miou if validation else None,
    )
