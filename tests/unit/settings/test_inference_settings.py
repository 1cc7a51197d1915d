import pytest
from pydantic import ValidationError

from searchctl.trainer.settings.inference import AS_VALIDATED, Inference

SLIDING = {"mode": "sliding_window"}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({**SLIDING, "overlap": 1}, "less than 1"),
        ({**SLIDING, "overlap": -0.1}, "greater than or equal to 0"),
        ({"mode": "whole", "overlap": 0.5}, "overlap is of no use with mode whole"),
        ({"scales": [1, 0]}, "greater than 0"),
        ({"scales": []}, "at least 1 item"),
        ({"scales": [1, 1.0]}, "lists a scale twice"),
        ({"mode": "slide"}, "'resized', 'whole' or 'sliding_window'"),
    ],
)
def test_nonsense_is_refused(options, problem):
    with pytest.raises(ValidationError, match=problem):
        Inference.model_validate(options)


def test_only_the_default_is_what_networks_are_validated_on():
    assert AS_VALIDATED.as_validated
    others = [{"flip": True}, {"scales": [0.5]}, {"mode": "whole"}, SLIDING]
    assert not any(Inference.model_validate(each).as_validated for each in others)


def test_a_sweep_of_full_images_cannot_use_sliding_windows(refused):
    lines = refused(
        """\
        name: pictures
        task: classification
        data: {dataset: image_folder, root: here, image_size: [8, 8]}
        training: {model: "timm:test_resnet"}
        space: {lr: [0.1]}
        inference:
          flip: true
          mode: sliding_window
        """
    )
    problem = "inference.mode: sliding_window is for a class of each pixel"
    assert any(line.startswith(f"sweep.yaml:8 {problem}") for line in lines)


def test_a_class_for_each_image_needs_the_whole_of_it():
    assert Inference(flip=True).mode_problem("classification") is None
    assert Inference(mode="whole").mode_problem("segmentation") is None
    assert "needs resized" in Inference(mode="whole").mode_problem("classification")


def test_whole_images_whose_logits_would_not_fit_are_refused_and_windows_are_not():
    large = (10_000, 10_000)
    words = Inference(mode="whole").size_problem(large, 20)
    assert words.endswith("of 20 classes alone take 8.0 GB: set mode: sliding_window")
    assert Inference(mode="whole").size_problem((1024, 2048), 20) is None
    assert Inference(mode="sliding_window").size_problem(large, 20) is None
