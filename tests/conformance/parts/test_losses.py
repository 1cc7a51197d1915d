"""The contract of training losses, checked on each of the catalog."""

import pytest
import torch

from searchctl.trainer.checks.losses import LOSS_CHECKS, LossCase
from searchctl.trainer.losses.base import count_pixels
from searchctl.trainer.losses.build import build_loss
from searchctl.trainer.losses.class_weights import KINDS
from searchctl.trainer.settings.catalog import LOSSES
from searchctl.trainer.settings.training import TrainSettings

IGNORE = 255
CLASSES = 4
RECIPES = {
    **{name: {"loss": name} for name in LOSSES},
    **{kind: {"loss": "weighted_cross_entropy", "class_weights": kind} for kind in KINDS},
    "sum": {"loss": {"cross_entropy": 1, "dice": 0.5}},
    "ohem of few pixels": {"loss": "ohem", "ohem_threshold": 0.01, "ohem_min_kept": 0.3},
    "focal-5": {"loss": "focal", "focal_gamma": 5.0},
}


@pytest.fixture
def batch():
    """Logits and labels with every class and some ignored pixels."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, CLASSES, (2, 8, 9), generator=generator, dtype=torch.uint8)
    labels[:, :2] = IGNORE
    return torch.randn(2, CLASSES, 8, 9, generator=generator), labels


@pytest.fixture(params=RECIPES.values(), ids=RECIPES)
def loss(request, batch):
    return build_loss(
        TrainSettings(**request.param),
        ignore_index=IGNORE,
        pixel_counts=count_pixels(batch[1], CLASSES),
    )


@pytest.mark.parametrize("title", LOSS_CHECKS)
def test_ours_pass_the_checks_of_users_losses(loss, title):
    LOSS_CHECKS[title].run(LossCase(loss, CLASSES))


def perfect_logits(labels, confidence=50.0):
    known = labels.where(labels != IGNORE, 0).long()
    one_hot = torch.nn.functional.one_hot(known, CLASSES)
    return confidence * one_hot.movedim(-1, 1).float()


def test_a_perfect_prediction_costs_nothing_and_a_wrong_one_much(loss, batch):
    logits = perfect_logits(batch[1])
    assert loss(logits, batch[1]).item() == pytest.approx(0, abs=1e-6)
    assert loss(logits.roll(1, dims=1), batch[1]).item() > 0.9


def test_a_batch_without_a_valid_pixel_costs_nothing_and_has_no_gradient(loss, batch):
    logits = batch[0].requires_grad_()
    value = loss(logits, torch.full_like(batch[1], IGNORE))
    value.backward()
    assert value.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_bf16_logits_are_computed_in_fp32(loss, batch):
    logits = batch[0].bfloat16()
    value = loss(logits, batch[1])
    assert value.dtype == torch.float32
    assert torch.equal(value, loss(logits.float(), batch[1]))
