import io

import pytest
import torch

from searchctl.orchestrator.halving.rule import plan_ladder
from searchctl.orchestrator.planning.disk import checkpoint_bytes_per_weight, disk_of, most_kept
from searchctl.trainer.models.build import build_model
from searchctl.trainer.run.training import begin_training
from searchctl.trainer.settings.training import TrainSettings

LADDER = plan_ladder(36, 2975)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "adam", "amsgrad": True},
        {"optimizer": "adamax"},
        {"optimizer": "sgd"},
        {"optimizer": "sgd", "momentum": 0.0},
        {"ema": 0.9},
    ],
    ids=str,
)
def test_a_real_checkpoint_of_one_epoch_has_the_estimated_size(settings):
    settings = TrainSettings(epochs=1, model="unet", width=16, **settings)
    model = build_model(settings, 11)
    training = begin_training(model, settings, steps=1, higher_is_better=False)
    model(torch.rand(2, 3, 32, 32)).mean().backward()
    training.step(None)
    buffer = io.BytesIO()
    torch.save(training.state_dict(), buffer)
    weights = sum(each.numel() for each in model.parameters())
    assert buffer.tell() / weights == pytest.approx(checkpoint_bytes_per_weight(settings), rel=0.05)


def test_the_best_epoch_is_in_it_where_there_is_more_than_one():
    assert checkpoint_bytes_per_weight(TrainSettings(epochs=2)) == 16
    assert checkpoint_bytes_per_weight(TrainSettings(epochs=1)) == 12


def test_weights_of_finalists_are_kept_or_of_a_whole_rung_where_the_next_needs_them():
    assert most_kept(LADDER, warm=False) == 2
    assert most_kept(LADDER, warm=True) == 36


def test_the_peak_has_two_checkpoints_of_each_job_that_runs():
    disk = disk_of([LADDER], warm=False, parallel=4, checkpoint_bytes=1000, weights_bytes=10)
    assert (disk.peak, disk.kept) == (8020, 20)
