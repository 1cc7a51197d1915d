import pytest

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.config.validation import validation_of
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.settings.validation import EVERY_EPOCH, LAST_TWO, Validate

LR = {"lr": [0.1, 0.01]}
PLATEAU = {"points": [{"lr_schedule": "step"}, {"lr_schedule": "plateau", "lr_patience": 1}]}


def sweep(training, space=LR, **sections):
    return Sweep.model_validate(
        {
            "name": "s",
            "data": {"dataset": "scenes", "train": 64},
            "training": {"epochs": 8, "batch_size": 4, "lr_decay": 0.5, **training},
            "space": space,
            **sections,
        }
    )


@pytest.mark.parametrize(
    ("training", "space", "below"),
    [
        ({}, LR, LAST_TWO),
        ({"validate": "every"}, LR, EVERY_EPOCH),
        ({"validate": {"every": 3}}, LR, Validate(every=3)),
        ({"patience": 2}, LR, EVERY_EPOCH),
        ({"patience": 7}, LR, LAST_TWO),
        ({"lr_schedule": "plateau", "lr_patience": 1}, LR, EVERY_EPOCH),
        ({"lr_schedule": "plateau", "lr_patience": 7}, LR, LAST_TWO),
        ({}, PLATEAU, EVERY_EPOCH),
        ({}, {"patience": [None, 2]}, EVERY_EPOCH),
        ({}, {"epochs": [2, 8]}, LAST_TWO),
    ],
)
def test_below_the_last_rung_two_validations_decide_unless_a_training_reads_more(
    training, space, below
):
    found = validation_of(sweep(training, space))
    auto = "validate" not in training
    assert (found.below, found.last) == (below, EVERY_EPOCH if auto else below)


@pytest.mark.parametrize(
    ("axis", "below"),
    [
        ({"patience": [None, 7, 6]}, EVERY_EPOCH),
        ({"patience": {"low": 2, "high": 7}}, EVERY_EPOCH),
        ({"lr_schedule": ["step", "plateau"]}, EVERY_EPOCH),
        ({"dropout": [0, 0.1]}, LAST_TWO),
    ],
)
def test_what_a_later_cohort_may_draw_counts_from_the_start(axis, below):
    space = {"lr": {"low": 1e-4, "high": 0.1, "log": True}, **axis}
    search = {"method": "tpe", "trials": [1, 1, 1]}
    for seed in range(20):  # whatever the random points are that stand for it
        assert validation_of(sweep({}, space, search=search, seed=seed)).below == below


def test_a_training_outside_of_a_sweep_is_scored_as_on_the_last_rung():
    assert TrainSettings().validation == EVERY_EPOCH


def test_schedules_that_score_the_same_epochs_are_one_content():
    def content(epochs, **validate):
        return TrainSettings(epochs=epochs, validate=validate or "every").content()

    assert content(2) == content(2, last=2) == content(2, every=1, last=1)
    assert content(3) != content(3, last=2)
