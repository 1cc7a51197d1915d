"""Which settings go with which loss, optimizer and schedule, in settings and in whole sweeps."""

import pytest

from searchctl.trainer.settings.options.recipe_options import READ, RULES, recipe_problems
from searchctl.trainer.settings.training import TrainSettings
from tests.sweeps.other_values import other_values, where_unused, where_used

DATA = "name: s\ndata: {dataset: scenes}\n"

of_every_rule = pytest.mark.parametrize(
    "rule", RULES, ids=[f"{rule.setting}-{rule.other}" for rule in RULES]
)


def found(*trials):
    return [name for name, _ in recipe_problems(TrainSettings(**trial) for trial in trials)]


def test_every_rule_is_about_settings():
    assert set(READ) <= set(TrainSettings.model_fields)


@of_every_rule
def test_a_setting_is_a_problem_exactly_where_it_changes_nothing(rule):
    given = {rule.setting: other_values(rule.setting)[0]}
    assert found({**where_unused(rule), **given}) == [rule.setting]
    assert found({**where_used(rule), **given}) == []


@of_every_rule
def test_a_setting_at_its_default_is_never_a_problem(rule):
    default = {rule.setting: getattr(TrainSettings(), rule.setting)}
    assert found({**where_unused(rule), **default}, where_unused(rule), where_used(rule)) == []


@of_every_rule
def test_what_some_trials_use_may_be_set_for_all_but_not_searched_in_all(rule):
    given = {rule.setting: other_values(rule.setting)[0]}
    unused, used = where_unused(rule), where_used(rule)
    assert found({**unused, **given}, {**used, **given}) == []
    assert found({**unused, **given}, unused, {**used, **given}) == [rule.setting]


def test_a_weight_of_an_auxiliary_head_that_is_left_out_is_a_problem():
    without = {"model": "pspnet", "aux_loss": False, "aux_weight": 0.2}
    assert recipe_problems([TrainSettings(**without)]) == [
        (
            "aux_weight",
            "is of no use with aux_loss: false: leave it out, or choose another aux_loss",
        )
    ]
    assert found(without, {**without, "aux_loss": True}) == []


@pytest.mark.parametrize("space", ["lr_schedule: [cosine, one_cycle]", "epochs: [3, 5]"])
def test_a_warm_up_must_go_with_every_trial(refused, space):
    (line,) = refused(f"{DATA}training:\n  lr_warmup: 3\n  lr_schedule: cosine\nspace: {{{space}}}")
    assert line.startswith("sweep.yaml:4 training.lr_warmup: ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "space: {loss: [dice, focal], label_smoothing: [0, 0.1]}",
            "3 space.label_smoothing: is of no use with loss: dice, focal: leave it out, or set "
            "loss: cross_entropy or weighted_cross_entropy",
        ),
        (
            "space:\n  loss: [dice, weighted_cross_entropy]\n"
            "  class_weights: [inverse_frequency, effective_number]",
            "5 space.class_weights: is of no use with loss: dice: write it under space, as "
            "`class_weights: {values: [..], when: {loss: weighted_cross_entropy}}`",
        ),
        (
            "space:\n  model: [unet, pspnet, upernet]\n  aux_weight: [0.2, 0.4]",
            "5 space.aux_weight: is of no use with model: unet: write it under space, as "
            "`aux_weight: {values: [..], when: {model: [pspnet, upernet]}}`",
        ),
        (
            "space: {model: [pspnet], aux_loss: [true, false], aux_weight: [0.2, 0.4]}",
            "3 space.aux_weight: is of no use with aux_loss: false: write it under space, as "
            "`aux_weight: {values: [..], when: {aux_loss: true}}`",
        ),
        (
            "training: {optimizer: sgd, amsgrad: true}\nspace: {lr: [0.1]}",
            "3 training.amsgrad: is of no use with optimizer: sgd: leave it out, or set "
            "optimizer: adamw or adam",
        ),
        (
            "training: {lr_warmup: 2}\nspace: {lr_schedule: [one_cycle]}",
            "3 training.lr_warmup: is of no use with lr_schedule: one_cycle, which rises by "
            "itself: leave it out, or choose another lr_schedule",
        ),
        (
            "training: {epochs: 4}\nspace: {lr_warmup: [0, 2, 5]}",
            "4 space.lr_warmup: of 5 epochs leaves none of 4 for the schedule: 3 at most, or "
            "raise epochs",
        ),
        (
            "space: {points: [{loss: dice}, {loss: focal, label_smoothing: 0.1}]}",
            "3 space.points[1].label_smoothing: is of no use with loss: focal: leave it out, or",
        ),
    ],
)
def test_what_a_trial_would_ignore_is_refused_where_it_is_written(refused, text, problem):
    (line,) = refused(f"{DATA}{text}")
    assert line.startswith(f"sweep.yaml:{problem}")


@pytest.mark.parametrize(
    ("space", "trials"),
    [
        (
            "{loss: [dice, weighted_cross_entropy], class_weights: "
            "{values: [inverse_frequency, effective_number], "
            "when: {loss: weighted_cross_entropy}}}",
            3,
        ),
        (
            "{model: [pspnet], aux_loss: [true, false], "
            "aux_weight: {values: [0.2, 0.4], when: {aux_loss: true}}}",
            3,
        ),
        (
            "{lr_schedule: [one_cycle, cosine], "
            "lr_warmup: {values: [1, 2], when: {lr_schedule: cosine}}}",
            3,
        ),
    ],
)
def test_the_conditions_that_refusals_name_make_it_right(sweep_of, space, trials):
    assert len(sweep_of(f"{DATA}space: {space}").trials()) == trials
