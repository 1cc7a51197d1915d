import math

import pytest
import torch

from trainer.catalog import LR_SCHEDULES
from trainer.lr_schedules import build_lr_schedule
from trainer.settings import TrainSettings

STEPS = 3


def lr_of_epochs(settings, scores, score="val_miou"):
    """Learning rate at the first step of each epoch, one epoch for each score."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=settings.lr)
    schedule = build_lr_schedule(optimizer, settings, steps=STEPS, score=score)
    rates = []
    for value in scores:
        rates.append(optimizer.param_groups[0]["lr"])
        for _ in range(STEPS):
            optimizer.step()
            schedule.after_step()
        schedule.after_epoch(value)
    return rates


def settings(name, epochs=4, **others):
    return TrainSettings(lr_schedule=name, epochs=epochs, lr=1.0, **others)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (settings("constant"), [1, 1, 1, 1]),
        (settings("step", lr_step=2, lr_decay=0.1), [1, 1, 0.1, 0.1]),
        (settings("step", lr_step=1), [1, 1, 1, 1]),
        (settings("poly", lr_power=1), [1, 0.75, 0.5, 0.25]),
        (settings("poly", lr_power=2), [1, 0.75**2, 0.5**2, 0.25**2]),
        (settings("cosine"), [(1 + math.cos(math.pi * k / 4)) / 2 for k in range(4)]),
    ],
)
def test_lr_of_each_epoch(schedule, expected):
    assert lr_of_epochs(schedule, [0.5] * 4) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("score", "scores", "expected"),
    [
        ("val_miou", [0.1, 0.2, 0.2, 0.1, 0.3], [1, 1, 1, 1, 0.5]),
        ("val_loss", [0.3, 0.2, 0.1, 0.1, 0.2, 0.3], [1, 1, 1, 1, 1, 0.5]),
        ("val_miou", [0.1, 0.2, 0.3, 0.4, 0.5], [1, 1, 1, 1, 1]),
        ("val_miou", [0.2, None, 0.1, None, 0.1, None], [1, 1, 1, 1, 1, 0.5]),
    ],
)
def test_plateau_decays_after_more_than_its_patience_of_validations(score, scores, expected):
    schedule = settings("plateau", lr_decay=0.5, lr_patience=1)
    assert lr_of_epochs(schedule, scores, score) == expected


def test_plateau_that_decays_by_one_keeps_the_lr():
    schedule = settings("plateau", lr_decay=1.0, lr_patience=0)
    assert lr_of_epochs(schedule, [0.5] * 4) == [1, 1, 1, 1]


def test_one_cycle_rises_to_the_lr_and_falls_to_nearly_nothing():
    rates = lr_of_epochs(settings("one_cycle", epochs=10), [0.5] * 10)
    assert rates[0] == pytest.approx(1 / 25)
    assert max(rates) == pytest.approx(1, abs=0.05)
    assert rates.index(max(rates)) == 3
    assert rates[-1] < 0.05


def test_one_cycle_leaves_the_momentum_as_set():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.7)
    build_lr_schedule(optimizer, settings("one_cycle"), steps=STEPS, score="val_miou")
    assert optimizer.param_groups[0]["momentum"] == 0.7


@pytest.mark.parametrize("name", LR_SCHEDULES)
@pytest.mark.parametrize("epochs", [1, 2])
def test_every_schedule_survives_a_run_of_very_few_epochs(name, epochs):
    rates = lr_of_epochs(settings(name, epochs=epochs), [0.5] * epochs)
    assert all(0 < rate <= 1 for rate in rates)
