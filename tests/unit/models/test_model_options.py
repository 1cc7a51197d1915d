"""Which settings go with which model, checked on settings and on whole sweeps."""

import inspect

import pytest

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.catalog import MODELS, constructor_options
from searchctl.trainer.settings.options.model_options import OPTIONS, option_problems
from searchctl.trainer.settings.training import TrainSettings
from tests.sweeps.other_values import other_values

DATA = "name: s\ndata: {dataset: scenes}\n"


def lines_of(refused, text):
    return refused(f"{DATA}{text}")


@pytest.mark.parametrize("model", MODELS)
def test_the_options_of_the_catalog_are_those_of_the_constructor(model):
    options = constructor_options(MODELS[model])
    parameters = inspect.signature(MODELS[model].load()).parameters.values()
    keywords = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    assert sorted(keywords) == sorted([*options, "dropout", "in_channels"])


def test_every_option_is_a_setting_that_is_left_out_by_default():
    assert all(getattr(TrainSettings(), name) is None for name in OPTIONS)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("model", [*MODELS, "smp:fpn/resnet34"])
def test_an_option_is_a_problem_exactly_of_the_models_that_do_not_have_it(model, option):
    has = model in MODELS and option in MODELS[model].names
    found = option_problems([TrainSettings(model=model, **{option: other_values(option)[0]})])
    assert [name for name, _ in found] == ([] if has else [option])


def test_a_setting_that_no_model_here_has_is_to_be_left_out():
    assert option_problems([TrainSettings(model="unet", output_stride=8)]) == [
        (
            "output_stride",
            "is no setting of unet: leave it out (models that have it: pspnet, deeplabv3)",
        )
    ]


def test_models_that_lack_a_setting_are_named_together_and_those_that_have_it_in_the_fix():
    trials = [
        TrainSettings(model=model, batch_norm=False) for model in ("fcn32s", "unet", "upernet")
    ]
    ((_, problem),) = option_problems(trials)
    assert problem.startswith("is no setting of fcn32s, upernet: ")
    assert "`batch_norm: {values: [..], when: {model: unet}}`" in problem


@pytest.mark.parametrize("model", ["simple_fcn", "unet", "smp:fpn/resnet34"])
def test_pretrained_weights_are_for_models_with_an_encoder_to_choose(model):
    ((name, problem),) = option_problems([TrainSettings(model=model, init="pretrained")])
    assert (name, problem.partition(":")[0]) == ("init", "pretrained")
    assert f"there are no weights for {model}: use scratch" in problem
    assert option_problems([TrainSettings(model="upernet", init="pretrained")]) == []


@pytest.mark.parametrize("init", ["scratch", "checkpoint:other"])
def test_a_file_of_pretrained_weights_needs_init_pretrained(init):
    trial = TrainSettings(model="upernet", weights="w.pth", init=init)
    assert option_problems([trial]) == [
        ("weights", f"is of no use with init: {init}: leave it out, or set init: pretrained")
    ]
    assert option_problems([trial.with_params({"init": "pretrained"})]) == []


def test_a_network_is_not_built_with_a_setting_that_it_does_not_have():
    with pytest.raises(SettingsError, match="ppm is no setting of unet: leave it out"):
        build_model(TrainSettings(model="unet", ppm=False), 3)


def test_a_setting_crossed_with_models_that_lack_it_is_refused_with_its_condition(refused):
    text = "space:\n  model: [unet, pspnet, fcn32s]\n  ppm: [true, false]\n"
    assert lines_of(refused, text) == [
        "sweep.yaml:5 space.ppm: is no setting of unet, fcn32s: "
        "write it under space, as `ppm: {values: [..], when: {model: pspnet}}`"
    ]


@pytest.mark.parametrize(
    ("space", "trials"),
    [
        (
            "{model: [unet, pspnet], ppm: {values: [true, false], when: {model: pspnet}}}",
            [
                {"model": "unet"},
                {"model": "pspnet", "ppm": True},
                {"model": "pspnet", "ppm": False},
            ],
        ),
        (
            "{model: [fcn32s, unet], init: {values: [pretrained], when: {model: fcn32s}}}",
            [{"model": "fcn32s", "init": "pretrained"}, {"model": "unet"}],
        ),
        (
            "{model: [fcn32s], init: [scratch, pretrained], "
            "weights: {values: [w.pth], when: {init: pretrained}}}",
            [
                {"model": "fcn32s", "init": "scratch"},
                {"model": "fcn32s", "init": "pretrained", "weights": "w.pth"},
            ],
        ),
    ],
)
def test_the_conditions_that_refusals_name_make_it_right(sweep_of, space, trials):
    assert [dict(params) for params in sweep_of(f"{DATA}space: {space}").trials()] == trials


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "training: {ppm: false}\nspace: {model: [unet, pspnet]}",
            "3 training.ppm: is no setting of unet: write it under space, as `ppm: {values",
        ),
        (
            "space: {points: [{model: pspnet}, {model: unet, ppm: true}]}",
            "3 space.points[1].ppm: is no setting of unet: leave it out (models that have it: psp",
        ),
        (
            "training: {init: pretrained}\nspace: {model: [fcn32s, unet]}",
            "3 training.init: pretrained: there are no weights for unet: write it under space, as "
            "`init: {values: [..], when: {model: fcn32s}}`, with scratch under training",
        ),
        (
            "training: {model: upernet, weights: w.pth}\nspace: {init: [scratch, pretrained]}",
            "3 training.weights: is of no use with init: scratch: write it under space, as "
            "`weights: {values: [..], when: {init: pretrained}}`",
        ),
        (
            "training: {model: upernet}\nspace: {weights: [a.pth, b.pth]}",
            "4 space.weights: is of no use with init: scratch: leave it out, or set init",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_where_it_is_written(refused, text, problem):
    (line,) = lines_of(refused, text)
    assert line.startswith(f"sweep.yaml:{problem}")


def test_every_setting_that_does_not_go_with_its_model_is_reported_at_once(refused):
    text = "training: {model: unet, ppm: true, width: 8}\nspace: {aux_loss: [true, false]}"
    found = [line.partition(": ")[0] for line in lines_of(refused, text)]
    assert found == ["sweep.yaml:3 training.ppm", "sweep.yaml:4 space.aux_loss"]
