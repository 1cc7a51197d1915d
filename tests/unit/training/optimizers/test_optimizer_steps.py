"""Optimizer steps: accumulated and clipped gradients, and the schedule after them."""

import copy
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from searchctl.trainer import Sample
from searchctl.trainer.core.stopping import Diverged
from searchctl.trainer.data.settings import ScenesData
from searchctl.trainer.losses.base import Loss
from searchctl.trainer.losses.build import build_loss
from searchctl.trainer.run.job import TrialJob
from searchctl.trainer.run.loop import train_epoch
from searchctl.trainer.run.preparation import prepare
from searchctl.trainer.run.training import begin_training
from searchctl.trainer.settings.batch import Batch
from searchctl.trainer.settings.training import TrainSettings
from tests.networks.tiny_models import tiny

SGD = TrainSettings(
    model="simple_fcn", width=4, optimizer="sgd", momentum=0.0, lr=1e-3, batch_size=4, threads=1
)
"""Settings of a network without batch normalisation; its weights change by lr * gradient."""
CPU = torch.device("cpu")
SCENES_IGNORE = 255
SCENES = ScenesData(dataset="scenes", image_size=(16, 24), train=12, val=1, test=1)


class EveryPixel(Loss):
    """A loss to which every pixel adds the same, ignored or not."""

    def compute(self, logits, labels):
        return (logits - labels.unsqueeze(1)).square().mean()


class InfiniteSlope(Loss):
    """A loss that is 0 and has no finite gradient."""

    def compute(self, logits, labels):
        return (logits * 0).sum().sqrt()


def made(loss):
    return loss(SGD, ignore_index=255, pixel_counts=torch.ones(1, 11))


def prepared(images, loss=None, **settings):
    """A job, and what trains one epoch of it."""
    settings = SGD.with_params(settings)
    sample = Sample(SCENES, images, 0)
    job = prepare(TrialJob(settings=settings, sample=sample, out=Path()), CPU)

    def epoch():
        return train_epoch(
            job.training,
            job.batches,
            1,
            loss or job.loss,
            settings,
            job.precision,
            lambda: False,
        )

    return job, epoch


def trained(images, **settings):
    """Weights and mean loss after an epoch."""
    job, epoch = prepared(images, made(EveryPixel), **settings)
    loss, _ = epoch()
    return {name: value.clone() for name, value in job.training.model.state_dict().items()}, loss


def assert_same_step(some, others):
    for name, value in some.items():
        torch.testing.assert_close(value, others[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("images", "accumulate", "batch"),
    [
        (8, 2, 8),  # 4 + 4
        (10, 3, 10),  # 4 + 4 + 2
        (10, 9, 10),  # an epoch ends before the group is full
        (9, 2, 9),  # 4 + 5: a last batch of one image joins the one before
        (12, 2, 8),  # (4 + 4), (4)
        (10, 2, 8),  # (4 + 4), (2)
    ],
)
def test_accumulated_batches_make_the_step_of_one_batch_of_all_their_images(
    images, accumulate, batch
):
    accumulated, _ = trained(images, accumulate=accumulate)
    at_once, _ = trained(images, batch_size=batch)
    assert_same_step(accumulated, at_once)


@pytest.mark.parametrize("images", [8, 12, 9])
def test_half_of_the_batch_and_twice_accumulate_make_the_same_steps(images):
    whole = Batch.of(SGD)
    smaller = whole.halved(), whole.halved().halved()
    at_once, _ = trained(images)
    for batch in smaller[: 1 if images % 4 == 1 else 2]:  # batches of one are never merged
        halves, _ = trained(images, **asdict(batch))
        assert_same_step(halves, at_once)


def test_ignored_pixels_that_lie_unevenly_weigh_more_in_halves_of_a_batch():
    """The mean of the means of two halves is that of all valid pixels only if both have as many."""
    labels = torch.zeros(2, 2, 2, dtype=torch.int64)
    labels[1, 0] = SCENES_IGNORE
    logits = torch.randn(2, 11, 2, 2, generator=torch.Generator().manual_seed(0))
    loss = build_loss(SGD, ignore_index=SCENES_IGNORE, pixel_counts=torch.ones(1, 11))
    halves = (loss(logits[:1], labels[:1]) + loss(logits[1:], labels[1:])) / 2
    assert halves.item() != pytest.approx(loss(logits, labels).item(), rel=1e-3)


@pytest.mark.parametrize("accumulate", [2, 3, 4])
def test_the_loss_of_an_epoch_is_the_mean_over_its_images(accumulate):
    lr = 1e-12  # the network stays what it was
    _, at_once = trained(10, batch_size=10, lr=lr)
    _, loss = trained(10, accumulate=accumulate, lr=lr)
    assert loss == pytest.approx(at_once, rel=1e-5)


@pytest.mark.parametrize(("images", "accumulate", "steps"), [(12, 1, 3), (12, 2, 2), (10, 5, 1)])
def test_a_schedule_ends_with_the_last_step_of_the_last_epoch(images, accumulate, steps):
    job, epoch = prepared(images, accumulate=accumulate, lr_schedule="poly", epochs=2)
    before = job.training.optimizer.param_groups[0]["lr"]
    epoch()
    halfway = job.training.optimizer.param_groups[0]["lr"]
    epoch()
    assert halfway == pytest.approx(before * 0.5**0.9)
    assert job.training.optimizer.param_groups[0]["lr"] == 0
    assert job.training.schedule.state_dict()["last_epoch"] == 2 * steps


def with_gradients(scale, **settings):
    """A training whose gradients are all `scale`, and its weights before the step."""
    model = tiny("simple_fcn", width=2)
    training = begin_training(model, SGD.with_params(settings), steps=1, higher_is_better=True)
    for weights in model.parameters():
        weights.grad = torch.full_like(weights, scale)
    return training, copy.deepcopy(list(model.parameters()))


def test_a_long_gradient_is_cut_back_to_its_norm_and_a_short_one_is_not():
    for scale, clip_norm in ((3.0, 0.5), (1e-4, 0.5), (-2.0, 7.0)):
        training, before = with_gradients(scale)
        norm = abs(scale) * sum(each.numel() for each in before) ** 0.5
        assert training.step(clip_norm).item() == pytest.approx(norm)
        step = SGD.lr * scale * min(1, clip_norm / norm)
        for old, new in zip(before, training.model.parameters(), strict=True):
            torch.testing.assert_close(new, old - step)


def test_a_gradient_is_left_alone_where_it_is_not_to_be_clipped():
    training, before = with_gradients(1e6)
    training.step(None)
    for old, new in zip(before, training.model.parameters(), strict=True):
        torch.testing.assert_close(new, old - SGD.lr * 1e6)


def test_only_the_gradient_of_what_is_trained_counts():
    training, _ = with_gradients(1.0, finetune="classifier")
    for weights in training.model.parameters():
        weights.grad = torch.ones_like(weights) if weights.requires_grad else None
    trained = sum(each.numel() for each in training.model.classifier.parameters())
    assert training.step(1.0).item() == pytest.approx(trained**0.5)


def test_a_step_forgets_its_gradients():
    training, _ = with_gradients(1.0)
    training.step(None)
    assert all(weights.grad is None for weights in training.model.parameters())


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_gradient_that_cannot_be_clipped_has_diverged(accumulate):
    _, epoch = prepared(8, made(InfiniteSlope), clip_norm=1.0, accumulate=accumulate)
    with pytest.raises(Diverged, match=f"norm of the gradient was NaN .* batch {accumulate} of"):
        epoch()


def test_the_average_is_updated_once_a_step_and_is_what_is_scored():
    job, epoch = prepared(12, accumulate=2, ema=0.9)
    epoch()
    training = job.training
    assert training.average.state_dict()["steps"] == 2
    assert training.scored_model is training.average.model
    assert prepared(12)[0].training.scored_model is not training.scored_model


def test_a_training_without_an_average_scores_its_network():
    training = prepared(12)[0].training
    assert training.average is None
    assert training.scored_model is training.model


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.5])
def test_an_auxiliary_heads_loss_is_added_by_its_weight(weight):
    network = {"model": "pspnet", "encoder": "test_resnet", "width": 8, "aux_weight": weight}
    job, epoch = prepared(4, **network)
    model = job.training.model.train()
    images, labels = next(job.batches.epoch(1))
    with torch.no_grad():
        main, auxiliary = (job.loss(z, labels) for z in job.precision.all_logits(model, images))
    loss, _ = epoch()
    assert loss == pytest.approx((main + weight * auxiliary).item(), rel=1e-5)
