"""The training loop."""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from trainer.evaluate import Scored
from trainer.finetune import training_mode
from trainer.loader import TrainingBatches
from trainer.losses import Loss
from trainer.metrics import better
from trainer.models.base import SegmentationModel
from trainer.precision import Arithmetic
from trainer.progress import Kept
from trainer.results import EpochRecord, score_of
from trainer.seeds import derive_seed
from trainer.settings import Score, TrainSettings
from trainer.stopping import Diverged, Stop, until_stopped
from trainer.training import Training

GPU_STEPS_BETWEEN_CHECKS = 50
"""Looking at a loss makes the CPU wait for the GPU; on a CPU it costs nothing."""
AUX_WEIGHT = 0.4
"""Of an auxiliary head's loss (Zhao et al., 'Pyramid Scene Parsing Network', 2017, 3.3)."""


def train(
    training: Training,
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
    """Train from wherever the training is to its end, and return its best epoch.

    Nothing outside of `training` is carried from one epoch to the next, so that one that was put
    back where another had been goes on as that one would have.

    Raises:
        Diverged: a training or validation loss was NaN or infinite.
        Stopped: asked to leave.
    """
    model, progress = training.model, training.progress
    while not progress.is_over(settings):
        epoch, started, scored = progress.epoch + 1, time.perf_counter(), None
        lr = training.optimizer.param_groups[0]["lr"]
        torch.manual_seed(derive_seed(seed, "epoch", rung, epoch))  # for dropout
        training_mode(model, settings.finetune)
        train_loss, images = train_epoch(training, batches, epoch, loss, arithmetic, stop)

        if settings.validate_.due(epoch, settings.epochs):
            scored = validate()
            if not math.isfinite(scored[0].loss):
                raise Diverged(f"the validation loss was {scored[0].loss} after epoch {epoch}")
            value = score_of(scored[0], score)
            progress.validations_without_better += 1
            if progress.kept is None or better(value, progress.kept.score, score):
                progress.kept = Kept(epoch, value, scored, _copy(model))
                progress.validations_without_better = 0

        training.schedule.after_epoch(score_of(scored[0], score) if scored else None)
        seconds = time.perf_counter() - started
        progress.records.append(_record(epoch, train_loss, lr, images, seconds, scored))
        on_epoch(progress.records[-1])

    assert progress.kept is not None, "the last epoch is always validated"
    return progress.kept


def train_epoch(
    training: Training,
    batches: TrainingBatches,
    epoch: int,
    loss: Loss,
    arithmetic: Arithmetic,
    stop: Stop,
) -> tuple[float, int]:
    """Take one optimizer step for each batch; return the mean loss of an image, and the images.

    An auxiliary head's loss is a part of it.

    Raises:
        Diverged: the loss was NaN or infinite.
        Stopped: asked to leave.
    """
    loss_sum = torch.zeros((), dtype=torch.float64, device=arithmetic.device)
    steps_between_checks = 1 if arithmetic.device.type == "cpu" else GPU_STEPS_BETWEEN_CHECKS
    images_seen = 0
    for step, (images, labels) in enumerate(until_stopped(batches.epoch(epoch), stop), start=1):
        labels = labels.to(arithmetic.device, non_blocking=True)
        main, *auxiliary = arithmetic.all_logits(training.model, images)
        batch_loss = loss(main, labels) + sum(AUX_WEIGHT * loss(aux, labels) for aux in auxiliary)
        # Losses are not negative, so a NaN or an infinity stays in the sum until it is looked at.
        loss_sum += batch_loss.detach() * len(images)
        images_seen += len(images)
        if step % steps_between_checks == 0 or step == len(batches):
            _check_finite(loss_sum, epoch, step)
        training.optimizer.zero_grad()
        batch_loss.backward()
        training.optimizer.step()
        training.schedule.after_step()
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
        val_accuracy=validation.overall_accuracy if validation else None,
    )
