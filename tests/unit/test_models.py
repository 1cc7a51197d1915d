import pytest
import torch

from trainer.models import build_model
from trainer.models.simple_fcn import SimpleFCN
from trainer.models.unet import UNet
from trainer.settings import TrainSettings


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("model", "classes", "encoder", "decoder", "classifier"),
    [
        (SimpleFCN, 34, 370_816, 164_032, 8_738),
        (UNet, 37, 18_847_168, 12_190_400, 2_405),
    ],
)
def test_parameters_are_those_of_the_published_networks(
    model, classes, encoder, decoder, classifier
):
    with torch.device("meta"):
        network = model(classes)
    assert [count(part) for part in network.children()] == [encoder, decoder, classifier]
    assert count(network) == encoder + decoder + classifier


@pytest.mark.parametrize("name", ["simple_fcn", "unet"])
def test_width_left_out_is_the_models_own(name):
    with torch.device("meta"):
        assert count(build_model(TrainSettings(model=name), 5)) == count(
            build_model(TrainSettings(model=name, width=64), 5)
        )


@pytest.mark.parametrize("name", ["simple_fcn", "unet"])
def test_names_of_weights_do_not_depend_on_dropout(name):
    plain = build_model(TrainSettings(model=name, width=4), 5)
    dropping = build_model(TrainSettings(model=name, width=4, dropout=0.5), 5)
    assert list(plain.state_dict()) == list(dropping.state_dict())


@pytest.mark.parametrize("name", ["simple_fcn", "unet"])
def test_first_weights_of_the_encoder_do_not_depend_on_the_classes(name):
    encoders = []
    for classes in (3, 11):
        torch.manual_seed(0)
        encoders.append(build_model(TrainSettings(model=name, width=4), classes).encoder)
    first, second = (encoder.state_dict() for encoder in encoders)
    assert all(torch.equal(first[key], second[key]) for key in first)
