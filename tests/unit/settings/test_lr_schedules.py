import math

import pytest
import torch

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.optim.lr_schedules import build_lr_schedule
from searchctl.trainer.settings.catalog import LR_SCHEDULES
from searchctl.trainer.settings.training import TrainSettings

STEPS = 3


def begin(settings, higher_is_better=True):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=settings.lr)
    return optimizer, build_lr_schedule(
        optimizer, settings, steps=STEPS, higher_is_better=higher_is_better
    )


def lr_of_steps(optimizer, schedule, scores):
    """Learning rate of every step, one epoch for each score."""
    rates = []
    for value in scores:
        for _ in range(STEPS):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.after_step()
        schedule.after_epoch(value)
    return rates


def lr_of_epochs(settings, scores, higher_is_better=True):
    """Learning rate at the first step of each epoch, one epoch for each score."""
    return lr_of_steps(*begin(settings, higher_is_better), scores)[::STEPS]


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
    ("higher", "scores", "expected"),
    [
        (True, [0.1, 0.2, 0.2, 0.1, 0.3], [1, 1, 1, 1, 0.5]),
        (False, [0.3, 0.2, 0.1, 0.1, 0.2, 0.3], [1, 1, 1, 1, 1, 0.5]),
        (True, [0.1, 0.2, 0.3, 0.4, 0.5], [1, 1, 1, 1, 1]),
        (True, [0.2, None, 0.1, None, 0.1, None], [1, 1, 1, 1, 1, 0.5]),
    ],
)
def test_plateau_decays_after_more_than_its_patience_of_validations(higher, scores, expected):
    schedule = settings("plateau", lr_decay=0.5, lr_patience=1)
    assert lr_of_epochs(schedule, scores, higher) == expected


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
    build_lr_schedule(optimizer, settings("one_cycle"), steps=STEPS, higher_is_better=True)
    assert optimizer.param_groups[0]["momentum"] == 0.7


RISING = [name for name in LR_SCHEDULES if name != "one_cycle"]


@pytest.mark.parametrize("name", RISING)
@pytest.mark.parametrize("epochs", [1, 2])
def test_warm_up_rises_step_by_step_and_then_the_schedule_begins(name, epochs):
    others = {"lr_step": 1, "lr_decay": 0.1, "lr_patience": 0, "lr_power": 2.0}
    scores = [0.5, 0.4, 0.3]  # worse with every validation, for plateau
    alone = lr_of_steps(*begin(settings(name, epochs=3, **others)), scores)
    both = settings(name, epochs=3 + epochs, lr_warmup=epochs, **others)
    rates = lr_of_steps(*begin(both), [0.9] * epochs + scores)  # the warm-up's would be the best
    steps = epochs * STEPS
    assert rates[:steps] == pytest.approx([(k + 1) / (steps + 1) for k in range(steps)])
    assert rates[steps] == 1
    assert rates[steps:] == alone


def test_warm_up_continues_where_it_was():
    both = settings("poly", lr_warmup=2, epochs=4)
    whole = lr_of_steps(*begin(both), [0.5] * 4)
    for done in range(4):
        optimizer, schedule = begin(both)
        lr_of_steps(optimizer, schedule, [0.5] * done)
        later, resumed = begin(both)
        later.load_state_dict(optimizer.state_dict())
        resumed.load_state_dict(schedule.state_dict())
        assert lr_of_steps(later, resumed, [0.5] * (4 - done)) == whole[done * STEPS :]


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        (settings("one_cycle", lr_warmup=1), "lr_warmup is of no use with lr_schedule: one_cycle"),
        (settings("cosine", lr_warmup=4), "lr_warmup of 4 epochs leaves none of 4 for"),
    ],
)
def test_a_warm_up_that_cannot_be_is_refused(schedule, problem):
    with pytest.raises(SettingsError, match=problem):
        begin(schedule)


@pytest.mark.parametrize("name", LR_SCHEDULES)
@pytest.mark.parametrize("epochs", [1, 2])
def test_every_schedule_survives_a_run_of_very_few_epochs(name, epochs):
    rates = lr_of_epochs(settings(name, epochs=epochs), [0.5] * epochs)
    assert all(0 < rate <= 1 for rate in rates)
