"""The training loop."""

import math
import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from searchctl.trainer.core.host_copies import host_copy
from searchctl.trainer.core.results import EpochRecord, score_of
from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.core.stopping import Diverged, Stop, until_stopped
from searchctl.trainer.data.loader import TrainingBatches
from searchctl.trainer.evaluation.evaluate import Scored
from searchctl.trainer.losses.base import Loss
from searchctl.trainer.models.catalog import AuxiliaryHeadOptions
from searchctl.trainer.models.finetune import training_mode
from searchctl.trainer.optim.mixup import UNMIXED, Mixup, Parts
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.run.progress import Kept
from searchctl.trainer.run.training import Training
from searchctl.trainer.scores.base import Score
from searchctl.trainer.scores.catalog import is_better
from searchctl.trainer.settings.training import TrainSettings

GPU_BATCHES_BETWEEN_CHECKS = 50
"""Reading a loss makes the CPU wait for the GPU; on a CPU it costs nothing."""


def train(
    training: Training,
    batches: TrainingBatches,
    loss: Loss,
    validate: Callable[[], Scored],
    settings: TrainSettings,
    precision: Precision,
    *,
    score: Score,
    seed: int,
    on_epoch: Callable[[EpochRecord], None],
    stop: Stop,
) -> Kept:
    """Train from the current epoch of a training to its end, and return its best epoch.

    Nothing outside of `training` is carried from one epoch to the next, so a training that is
    restored from a checkpoint continues exactly as the one that wrote it.

    Raises:
        Diverged: a loss, a gradient before clipping, or the score was NaN or infinite.
        Stopped: a stop was requested.
    """
    progress, process_group = training.progress, training.wrapper.process_group
    drawn_for = sum(batches.sizes)
    mixing = Mixup(settings, seed=seed, images=drawn_for, process_group=process_group)
    while not progress.is_over(settings):
        epoch, started, scored = progress.epoch + 1, time.perf_counter(), None
        lr = training.optimizer.param_groups[0]["lr"]
        # for dropout
        torch.manual_seed(derive_seed(seed, "epoch", drawn_for, epoch) + process_group.rank)
        training_mode(training.model, settings.finetune)
        train_loss, images = train_epoch(
            training, batches, epoch, loss, settings, precision, stop, mixing
        )

        if settings.validation.due(epoch, settings.epochs):
            scored = validate()
            if not math.isfinite(scored[0].loss):
                raise Diverged(f"the validation loss was {scored[0].loss} after epoch {epoch}")
            value = _finite_score(scored, score, epoch)
            progress.validations_without_better += 1
            best = progress.kept
            if best is None or is_better(value, best.score, score.higher_is_better):
                weights = host_copy(dict(training.scored_model.state_dict()))
                progress.kept = Kept(epoch, value, scored, weights)
                progress.validations_without_better = 0

        training.schedule.after_epoch(score_of(scored[0], score.name) if scored else None)
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
    settings: TrainSettings,
    precision: Precision,
    stop: Stop,
    mixing: Mixup = UNMIXED,
) -> tuple[float, int]:
    """Train on every batch once; return the mean loss of an image, and the images.

    An optimizer step is taken for every `accumulate` batches, the last one for what is left. Their
    gradients are averaged by images: without batch normalisation, and where all images have as many
    valid pixels, the step is that of one batch of all of these images.

    Raises:
        Diverged: the loss, or a gradient before clipping, was NaN or infinite.
        Stopped: a stop was requested.
    """
    loss_sum, norm_sum = torch.zeros(2, dtype=torch.float64, device=precision.device)
    between_checks = 1 if precision.device.type == "cpu" else GPU_BATCHES_BETWEEN_CHECKS
    images_seen = 0
    drawn = until_stopped(batches.epoch(epoch), stop)
    shares = _shares(batches.sizes, settings.accumulate)
    planned = zip(drawn, batches.sizes, shares, strict=True)
    for number, ((images, labels), size, share) in enumerate(planned, start=1):
        on_device = (each.to(precision.device, non_blocking=True) for each in (images, labels))
        images, parts = mixing(*on_device, epoch=epoch, batch=number)
        with training.wrapper.forward_context(size):
            logits = precision.all_logits(training.wrapper, images)
        batch_loss = _batch_loss(logits, parts, loss, AuxiliaryHeadOptions.of(settings).aux_weight)
        torch.autograd.backward(share * batch_loss)
        # Neither is negative, so a NaN or an infinity stays in the sum until it is checked.
        loss_sum += batch_loss.detach() * size
        images_seen += size
        is_last = number == len(batches)
        if number % settings.accumulate == 0 or is_last:
            norm_sum += training.step(settings.clip_norm)
        if number % between_checks == 0 or is_last:
            _check_finite("training loss", loss_sum, epoch, number)
            _check_finite("norm of the gradient", norm_sum, epoch, number)
    return loss_sum.item() / images_seen, images_seen


def _shares(sizes: Sequence[int], accumulate: int) -> Iterator[float]:
    """Yield each batch's share of the images of its optimizer step."""
    for start in range(0, len(sizes), accumulate):
        step = sizes[start : start + accumulate]
        yield from (size / sum(step) for size in step)


def _batch_loss(logits: Sequence[Tensor], parts: Parts, loss: Loss, aux_weight: float) -> Tensor:
    """Return the loss, with that of an auxiliary head where the network has one.

    Zhao et al., 'Pyramid Scene Parsing Network' (2017), section 3.3; its weight is 0.4 there.
    """
    main, *auxiliary = logits
    total = _mixed_loss(main, parts, loss)
    for each in auxiliary:
        total = total + aux_weight * _mixed_loss(each, parts, loss)
    return total


def _mixed_loss(logits: Tensor, parts: Parts, loss: Loss) -> Tensor:
    return torch.stack([share * loss(logits, labels) for share, labels in parts]).sum()


def _check_finite(what: str, total: Tensor, epoch: int, batch: int) -> None:
    if not math.isfinite(total.item()):
        raise Diverged(f"the {what} was NaN or infinite by batch {batch} of epoch {epoch}")


def _finite_score(scored: Scored, score: Score, epoch: int) -> float:
    value = score_of(scored[0], score.name)
    if value is None or not math.isfinite(value):
        raise Diverged(f"the score {score.name} was {value} after epoch {epoch}")
    return value


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
        val_class_iou=validation.class_iou if validation else None,
        scores=(validation.scores or None) if validation else None,
    )
