import pytest
import torch
from torch import nn

from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.catalog import MODELS
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.weights.pretrained import load_encoder_weights


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


NETWORKS = {
    "simple_fcn": {"width": 4},
    "unet": {"width": 4},
    "swin2_jnet": {"encoder": "resnet18", "width": 16},
    "segformer": {"encoder": "resnet18", "width": 8},
    "upernet": {"encoder": "resnet18", "width": 8},
    "simple_seg": {"encoder": "resnet18"},
    "pspnet": {"encoder": "resnet18", "width": 8, "output_stride": 32},
    "fcn32s": {"encoder": "vgg11", "width": 8},
    "deeplabv3": {"encoder": "resnet18", "width": 8, "output_stride": 32},
    "smp:fpn/resnet18": {},
}


def test_every_network_is_tried_with_other_channels():
    assert {*MODELS} == {name for name in NETWORKS if ":" not in name}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_networks_take_images_of_any_channels(name, channels):
    settings = TrainSettings(model=name, **NETWORKS[name])
    with torch.device("meta"):
        model = build_model(settings, 4, channels)
        assert model(torch.zeros(2, channels, 64, 64)).shape == (2, 4, 64, 64)
        first = next(each for each in model.encoder.modules() if isinstance(each, torch.nn.Conv2d))
    assert first.in_channels == channels


def test_pretrained_weights_are_spread_over_the_channels_as_timm_does():
    torch.manual_seed(0)
    rgb = build_model(TrainSettings(model="simple_seg", encoder="resnet18"), 4)
    weights = {name: each.clone() for name, each in rgb.encoder.timm_state().items()}
    for channels, expected in (
        (1, lambda w: w.sum(dim=1, keepdim=True)),
        (5, lambda w: w[:, [0, 1, 2, 0, 1]] * 3 / 5),
    ):
        model = build_model(TrainSettings(model="simple_seg", encoder="resnet18"), 4, channels)
        load_encoder_weights(model.encoder, weights, "a test")
        assert torch.allclose(model.encoder.net.conv1.weight, expected(weights["conv1.weight"]))
