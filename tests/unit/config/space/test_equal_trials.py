"""Axes without effect, trials that compute the same, and settings that are no axes."""

import re

import pytest

from searchctl.orchestrator.config.sweep import Sweep

HEAD = "name: s\ndata: {dataset: scenes}\n"
PLATEAU = "training: {epochs: 3, lr_schedule: plateau, lr_decay: 0.1}\n"


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("space: {loader_workers: [0, 1], lr: [1, 2]}", "loader_workers", "changes no number"),
        (
            PLATEAU + "space: {lr_patience: [5, 10]}",
            "lr_patience",
            "never changes in 3 epochs",
        ),
        (PLATEAU + "space: {patience: [5, 50]}", "patience", "3 validations are too few for it"),
        ("space: {lr_decay: [1, 0.1], lr_step: [20, 30]}", "lr_step", "set lr_step below 20"),
        (
            "space: {lr: {low: 0.1, high: 1.0}, patience: [30, 40]}\n"
            "search: {method: random, trials: 4}",
            "patience",
            "20 validations are too few for it to end a training early; write less than 19",
        ),
        ("space: {decay_norms: [true, false]}", "decay_norms", "set weight_decay above 0"),
        (
            "space: {weight_decay: [0, 0.1], decay_norms: [true, false]}",
            "decay_norms",
            "there is no weight decay",
        ),
        ("space: {precision: [auto, fp32]}", "precision", "on this device auto stands for"),
        ("space: {tf32: [true, false]}", "tf32", "auto is true on a GPU, and elsewhere it"),
        (
            "training: {lr_decay: 0.5}\nspace: {lr_step: [20, 30, 5]}",
            "lr_step",
            "trials 0 and 1 (lr_step 20 and 30) compute the same",
        ),
        ("space: {epochs: [3, 30], patience: [5, 9]}", "patience", "trials 0 and 1 (patience 5"),
        (
            "training: {model: deeplabv3}\nspace: {aspp_rates: ['6,12', [6, 12]]}",
            "aspp_rates",
            "one value in two forms",
        ),
        (
            "space: {loss: [dice, {dice: 1}], lr: [1, 2]}",
            "loss",
            "trials 0 and 2 (loss dice and {'dice': 1}) compute the same: a weight of 0",
        ),
        (
            "training: {loss: {dice: 1}}\nspace: {points: [{loss: dice}, {loss.jaccard: 0}]}",
            "points",
            "a weight of 0 leaves a loss out",
        ),
        (
            "training: {lr: 0.5}\nspace: {points: [{}, {lr: 0.5}]}",
            "points",
            "lr left out and 0.5",
        ),
    ],
)
def test_what_computes_the_same_is_refused_at_its_axis_with_the_fix(refused, text, where, why):
    line = next(line for line in refused(HEAD + text) if f" space.{where}: " in line)
    assert why in line


@pytest.mark.parametrize(
    "space",
    [
        "{patience: [2, 5], lr_step: [5, 10], lr_decay: [0.1, 0.5]}",
        "{lr_schedule: [constant, cosine, step, plateau, one_cycle, poly]}",
        "{epochs: [3], lr_patience: {values: [5], when: {lr_schedule: plateau}},"
        " lr_schedule: [plateau, cosine]}",
        "{loss: [dice, {dice: 2}, {dice: 1, focal: 1}, {dice: 2, focal: 2}]}",
    ],
)
def test_what_differs_is_accepted(sweep_of, space):
    assert sweep_of(f"{HEAD}training: {{lr_decay: 0.5}}\nspace: {space}").trials()


def test_a_stored_sweep_with_equal_trials_can_still_be_read(sweep_of):
    stored = sweep_of(f"{HEAD}space: {{lr: [1, 2]}}").to_json()
    again = Sweep.from_json({**stored, "space": {"loader_workers": [0, 1]}})
    assert len(again.trials()) == 2


@pytest.mark.parametrize(
    ("axis", "why"),
    [
        ("seed: [1, 2]", "seed: would rank the trials by chance: .* use halving.repeats"),
        ("validate: [{every: 1}, {every: 2}]", "validate: gives a trial that is scored more often"),
        ("validate: {every: [1, 2]}", "validate.every: gives a trial that is scored more often"),
        ("image_size: [[24, 32], [48, 64]]", "image_size: is the same for all trials, since"),
        ("eta: [2, 3]", "eta: is the same for all trials: write it under halving"),
        ("cpus_per_trial: [1, 2]", "cpus_per_trial: is the same .* write it under resources"),
    ],
)
def test_a_setting_that_is_no_axis_is_refused_with_the_reason(refused, axis, why):
    (line,) = refused(f"{HEAD}space: {{{axis}}}")
    assert re.search(why, line)
