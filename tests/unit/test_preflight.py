import pytest

from trainer.preflight import network_problems
from trainer.settings import TrainSettings


def problems(*settings, size=(32, 48)):
    return network_problems([TrainSettings(**each) for each in settings], 11, size)


def test_a_network_that_can_be_trained_is_no_problem():
    assert problems({"model": "simple_fcn"}, {"model": "unet", "finetune": "last_5"}) == []


@pytest.mark.parametrize(
    ("settings", "size", "problem"),
    [
        ({"model": "unet"}, (12, 90), "model unet: UNet needs images of at least"),
        ({"model": "unet", "finetune": "last_6"}, (32, 48), "this encoder has 5 stages"),
        ({"model": "upernet", "encoder": "convnext_tinny"}, (32, 48), "'convnext_tiny'"),
        (
            {"model": "upernet", "encoder": "vgg16", "drop_path": 0.1},
            (32, 48),
            "leave drop_path out",
        ),
    ],
)
def test_a_network_that_cannot_be_trained_is_named_with_the_reason(settings, size, problem):
    (found,) = problems(settings, size=size)
    assert problem in found


def test_networks_that_differ_in_their_training_alone_are_tried_once():
    bad = {"model": "unet", "finetune": "last_6"}
    assert len(problems({**bad, "lr": 0.1}, {**bad, "lr": 0.2}, {**bad, "width": 8})) == 2
