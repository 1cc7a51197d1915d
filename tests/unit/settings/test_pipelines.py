"""Pipelines of albumentations: their form, checks and files; nothing here imports it."""

import subprocess
import sys

import pytest

from searchctl.trainer.settings.pipelines.checks import pipeline_problems
from searchctl.trainer.settings.pipelines.paths import with_value
from searchctl.trainer.settings.pipelines.saved import from_saved
from searchctl.trainer.settings.pipelines.transforms import transforms
from searchctl.trainer.settings.training import TrainSettings

TWO_BLURS = {"Compose": [{"OneOf": [{"Blur": {}}, {"MedianBlur": {}}]}, {"Blur": {"p": 1}}]}


def message(*steps):
    (problem,) = pipeline_problems({"Compose": list(steps)})
    return problem


@pytest.mark.parametrize(
    ("step", "path", "words"),
    [
        ("HorizontalFlp", ("Compose", 0), "did you mean 'HorizontalFlip'"),
        ({"Rotate": {"limt": 5}}, ("Compose", 0, "Rotate", "limt"), "did you mean 'limit'"),
        ({"Rotate": 5}, ("Compose", 0, "Rotate"), "mapping of arguments"),
        ({"Rotate": {}, "Blur": {}}, ("Compose", 0), "must be one transform"),
        ({"RandomCrop": {"width": 8}}, ("Compose", 0, "RandomCrop"), "needs 'height'"),
        ({"OneOf": []}, ("Compose", 0, "OneOf"), "holds no transform"),
        ({"Blur": ["Rotate"]}, ("Compose", 0, "Blur"), "holds no transforms"),
        ("Normalize", ("Compose", 0), "normalised after the pipeline"),
        ("ToTensorV2", ("Compose", 0), "become tensors"),
        ("Mosaic", ("Compose", 0), "other images"),
        ("Lambda", ("Compose", 0), "holds code"),
        ("CubicSymmetry", ("Compose", 0), "for volumes"),
        (
            {"Rotate": {"mask_interpolation": 1}},
            ("Compose", 0, "Rotate", "mask_interpolation"),
            "nearest pixel",
        ),
        ({"Compose": {"transforms": ["Blur"], "seed": 1}}, None, "the sweep's"),
    ],
)
def test_what_is_wrong_with_a_transform_is_named_at_its_place(step, path, words):
    place, text = message(step)
    assert words in text
    assert path is None or place == path


@pytest.mark.parametrize("written", [["Blur"], 3, {"Rotate": {}}, {"Compose": ["Blur"], "p": 1}])
def test_what_is_no_pipeline_is_refused(written):
    with pytest.raises(ValueError, match=r"Compose|one transform"):
        TrainSettings(augment=written)


def test_a_pipeline_is_kept_in_one_form():
    settings = TrainSettings(augment={"Compose": ("HorizontalFlip", {"Rotate": {"limit": (1, 2)}})})
    assert settings.augment == {"Compose": [{"HorizontalFlip": {}}, {"Rotate": {"limit": [1, 2]}}]}
    assert TrainSettings.model_validate(settings.model_dump(mode="json", by_alias=True)) == settings


def test_a_param_leads_to_an_argument_of_a_transform():
    settings = TrainSettings(augment={"Compose": ["Blur", {"OneOf": ["Rotate", "Affine"]}]})
    changed = settings.with_params({"augment.Rotate.limit": (5, 9), "augment.OneOf.p": 0.2})
    inner = [{"Rotate": {"limit": [5, 9]}}, {"Affine": {}}]
    assert changed.augment == {
        "Compose": [{"Blur": {}}, {"OneOf": {"transforms": inner, "p": 0.2}}]
    }


def test_of_two_transforms_of_one_name_the_number_decides():
    assert with_value(TWO_BLURS, "Blur[1].p", 0.5)["Compose"][1] == {"Blur": {"p": 0.5}}
    assert with_value(TWO_BLURS, "Blur[0].p", 0.5)["Compose"][1] == {"Blur": {"p": 1}}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Blur.p", r"Blur\[0\] or augment.Blur\[1\]"),
        ("Blur[2].p", r"occurs 2 times"),
        ("Blurr.p", "did you mean 'Blur'"),
        ("Blur[0]", "a transform and an argument"),
    ],
)
def test_a_name_that_leads_to_no_single_argument_is_refused(name, words):
    with pytest.raises(ValueError, match=words):
        with_value(TWO_BLURS, name, 1)


@pytest.mark.parametrize(
    ("saved", "words"),
    [
        ({"__version__": "1.4.0", "transform": {}}, "albumentations 1.4.0"),
        ({"__version__": "2.0.0", "transform": {}}, "without its __class_fullname__"),
        (
            {"__version__": "2.0.0", "transform": {"__class_fullname__": "os.system"}},
            "none of albumentations' transforms",
        ),
    ],
)
def test_a_saved_file_of_something_else_is_refused(saved, words):
    with pytest.raises(ValueError, match=words):
        from_saved(saved)


def test_checking_a_pipeline_does_not_import_albumentations():
    code = (
        "import sys; from searchctl.trainer.settings.training import TrainSettings; "
        "TrainSettings(augment={'Compose': ['Blur']}); sys.exit('albumentations' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_transforms_that_pad_masks_are_known_by_their_source():
    found = transforms()
    assert found["Rotate"].pads_mask
    assert not found["CoarseDropout"].pads_mask
    assert (found["Blur"].kind, found["D4"].kind, found["OneOf"].kind) == (
        "pixels",
        "places",
        "container",
    )
    assert found["GaussianBlur"].arguments[-1] == "p"
