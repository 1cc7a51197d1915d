import pytest
import torch
from torch import nn

from searchctl.trainer.models.build import build_model
from searchctl.trainer.settings.training import TrainSettings


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("settings", "classes", "parts", "total"),
    [
        ({"model": "simple_fcn"}, 34, [370_816, 164_032, 8_738], 543_586),
        ({"model": "unet"}, 37, [18_847_168, 12_190_400, 2_405], 31_039_973),
        (
            {"model": "unet", "batch_norm": False},
            34,
            [18_843_200, 12_188_480, 2_210],
            31_033_890,
        ),
    ],
)
def test_parameters_are_those_of_the_published_networks(settings, classes, parts, total):
    with torch.device("meta"):
        network = build_model(TrainSettings(**settings), classes)
    assert [count(part) for part in network.children()] == parts
    assert count(network) == total


@pytest.mark.parametrize("batch_norm", [True, False])
def test_unet_is_normalised_by_batch_exactly_when_requested(batch_norm):
    network = build_model(TrainSettings(model="unet", width=4, batch_norm=batch_norm), 5)
    found = sum(isinstance(each, nn.BatchNorm2d) for each in network.modules())
    assert found == (18 if batch_norm else 0)


@pytest.mark.parametrize("name", ["simple_fcn", "unet"])
def test_width_left_out_is_the_models_own(name):
    with torch.device("meta"):
        assert count(build_model(TrainSettings(model=name), 5)) == count(
            build_model(TrainSettings(model=name, width=64), 5)
        )
