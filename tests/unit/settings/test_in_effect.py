"""What has no effect by its number, compared with schedules and progress that really run."""

import math
from itertools import product

import pytest
import torch

from searchctl.trainer.optim.lr_schedules import build_lr_schedule
from searchctl.trainer.run.progress import TrainingProgress
from searchctl.trainer.settings.options.in_effect import can_stop_early, in_effect, is_constant
from searchctl.trainer.settings.training import TrainSettings


def lr_of_epochs(settings, best=1):
    """Learning rates of the epochs of a training whose score rises up to epoch `best` only."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=settings.lr)
    schedule = build_lr_schedule(optimizer, settings, steps=1, higher_is_better=True)
    progress, highest, rates = TrainingProgress(), -math.inf, []
    while not progress.is_over(settings):
        rates.append(optimizer.param_groups[0]["lr"])
        progress.records.append(None)
        optimizer.step()
        schedule.after_step()
        score = -abs(progress.epoch - best) - 0.5 * (progress.epoch > best)
        if not settings.validation.due(progress.epoch, settings.epochs):
            schedule.after_epoch(None)
            continue
        schedule.after_epoch(score)
        progress.validations_without_better += 1
        if score > highest:
            highest, progress.validations_without_better = score, 0
    return rates


@pytest.mark.parametrize("every", [1, 2])
def test_patience_has_an_effect_where_training_without_a_better_score_ends_early(every):
    for epochs, patience in product(range(1, 8), range(1, 6)):
        settings = TrainSettings(epochs=epochs, patience=patience, validate={"every": every})
        assert can_stop_early(settings) == (len(lr_of_epochs(settings)) < epochs), settings


@pytest.mark.parametrize(
    ("schedule", "option"), [("step", "lr_step"), ("plateau", "lr_patience"), ("plateau", None)]
)
def test_a_schedule_is_constant_where_no_epoch_has_another_learning_rate(schedule, option):
    for epochs, number, warmup in product(range(2, 8), range(1, 6), (0, 1)):
        given = {option: number} if option else {"lr_patience": number, "patience": 3}
        settings = TrainSettings(
            lr_schedule=schedule, lr_decay=0.5, epochs=epochs, lr_warmup=warmup, **given
        )
        rates = {lr for best in (1, 2) for lr in lr_of_epochs(settings, best)[warmup:]}
        assert is_constant(settings) == (len(rates) == 1), settings


def test_a_schedule_that_multiplies_by_one_is_constant():
    trials = [{"lr_schedule": "constant"}, {"lr_schedule": "plateau"}, {"lr_step": 3}]
    effects = [in_effect(TrainSettings(**trial), on_gpu=False) for trial in trials]
    assert effects[0] == effects[1] == effects[2]


def test_auto_is_what_the_device_makes_of_it():
    auto, fp32 = TrainSettings(), TrainSettings(precision="fp32")
    assert in_effect(auto, on_gpu=False) == in_effect(fp32, on_gpu=False)
    assert in_effect(auto, on_gpu=True) != in_effect(fp32, on_gpu=True)
