"""Which settings fit task: classification and which segmentation, checked in whole sweep files."""

import pytest

from searchctl.orchestrator.run.preparation.new_sweep import direction_of
from searchctl.trainer.core import extras

IMAGES = (
    "name: s\ntask: classification\ndata: {dataset: image_folder, root: x, image_size: [8, 8]}\n"
)
SCENES = "name: s\ndata: {dataset: scenes}\n"
TIMM = "training: {model: 'timm:resnet18'}\n"
LR = "space: {lr: [0.1, 0.01]}\n"


def test_a_classification_is_ranked_by_accuracy_unless_it_says_otherwise(sweep_of):
    sweep = sweep_of(IMAGES + TIMM + LR)
    assert (sweep.task, sweep.halving.score) == ("classification", "val_accuracy")
    assert direction_of(sweep) == "maximize"
    by_loss = sweep_of(IMAGES + TIMM + LR + "halving: {score: val_loss}")
    assert (by_loss.halving.score, direction_of(by_loss)) == ("val_loss", "minimize")


def test_a_segmentation_may_be_ranked_by_accuracy_too(sweep_of):
    sweep = sweep_of(SCENES + LR)
    assert (sweep.task, sweep.halving.score) == ("segmentation", "val_miou")
    assert sweep_of(f"{SCENES}{LR}halving: {{score: val_accuracy}}").halving.score == "val_accuracy"


def test_a_stored_classification_is_read_as_it_was(sweep_of):
    sweep = sweep_of(IMAGES + TIMM + LR + "report: {features: true}")
    again = type(sweep).from_json(sweep.to_json())
    assert again == sweep
    assert again.spec_hash == sweep.spec_hash


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            IMAGES.replace("task: classification", "seed: 1") + TIMM + LR,
            "1 task: is segmentation, but data set image_folder has a class for each image: "
            "write task: classification",
        ),
        (
            f"{SCENES}task: classification\n{TIMM}{LR}",
            "3 task: is classification, but data set scenes has a class for each pixel: "
            "leave it out, or take dataset: image_folder",
        ),
        (
            f"{SCENES}task: clasification\n{LR}",
            "3 task: must be 'segmentation' or 'classification', not 'clasification': "
            "did you mean 'classification'?",
        ),
        (
            f"{IMAGES}{TIMM}{LR}halving: {{score: val_miou}}",
            "6 halving.score: val_miou is of pixels: rank classifiers by val_dice, "
            "val_class_accuracy, val_accuracy, val_loss",
        ),
        (
            f"{IMAGES}{LR}",
            "1 training.model: simple_fcn finds a class for each pixel: with task: classification "
            "take one of timm's networks, timm:NAME, such as timm:resnet18",
        ),
        (
            f"{IMAGES}space: {{model: ['timm:resnet18', unet, 'smp:fpn/resnet34']}}",
            "4 space.model: unet, smp:fpn/resnet34 finds a class for each pixel: with task",
        ),
        (
            f"{SCENES}space: {{model: ['timm:resnet18', unet]}}",
            "3 space.model: timm:resnet18 finds a class for each image: take a network for "
            "segmentation, such as upernet (its encoder may be any of timm's); or set task: "
            "classification, with dataset: image_folder",
        ),
        (
            f"{SCENES}training: {{mixup: 0.1}}\n{LR}",
            "3 training.mixup: mixes whole images with one class each: leave it out, it is for "
            "task: classification",
        ),
        (f"{SCENES}space: {{cutmix: [0, 1]}}", "3 space.cutmix: mixes whole images with one class"),
        (
            f"{SCENES}{LR}report: {{features: true}}",
            "4 report.features: are drawn of classifiers, which have one vector for each image: "
            "leave it out",
        ),
        (f"{SCENES}{LR}report: {{feature: true}}", "4 report.feature: unknown key 'feature': did"),
        (
            f"{SCENES}{LR}training: {{model: vgg13_bn}}",
            "4 training.model: unknown model 'vgg13_bn': known are ",
        ),
    ],
)
def test_what_does_not_go_with_the_task_is_refused_where_it_is_written(refused, text, problem):
    (line,) = refused(text)
    assert line.startswith(f"sweep.yaml:{problem}")


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("vgg13_bn", "; a classifier of whole images is written timm:vgg13_bn"),
        ("beit_base_patch16_224.in22k", "is written timm:beit_base_patch16_224.in22k"),
        ("'timm:'", "timm: lacks its name, such as timm:vgg13_bn"),
        ("'timm:a b'", "timm: lacks its name, such as timm:vgg13_bn"),
        ("'smp:fpn'", "'smp:fpn' lacks its encoder: smp:fpn/resnet34"),
        ("'tim:resnet18'", "timm:NAME, such as timm:resnet18"),
    ],
)
def test_a_name_that_is_no_models_says_how_one_is_written(refused, model, problem):
    (line,) = refused(f"{IMAGES}training: {{model: {model}}}\n{LR}")
    assert problem in line


@pytest.mark.parametrize("setting", ["encoder: resnet18", "width: 8", "aux_loss: false"])
def test_a_classifier_has_no_settings_of_other_networks(refused, setting):
    (line,) = refused(f"{IMAGES}training: {{model: 'timm:resnet18', {setting}}}\n{LR}")
    assert "is no setting of timm:resnet18: leave it out (models that have it: " in line


def test_a_classifier_takes_what_its_parts_take(sweep_of):
    training = "{model: 'timm:resnet18', init: pretrained, weights: x.pth, drop_path: 0.1}"
    assert len(sweep_of(f"{IMAGES}training: {training}\n{LR}").trials()) == 2


def test_pictures_need_their_packages_where_a_sweep_is_launched(refused, sweep_of, monkeypatch):
    text = f"{IMAGES}{TIMM}{LR}report: {{features: true}}"
    stored = sweep_of(text).to_json()
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert refused(text) == [
        "sweep.yaml:6 report.features: needs scikit-learn and matplotlib: install "
        "searchctl[features], or leave it out"
    ]
    assert type(sweep_of(f"{IMAGES}{TIMM}{LR}")).from_json(stored).report.features
