import pytest
import torch
import torch.nn.functional as F
from torch import nn

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.networks.fcn32s import VGG_NAMES, FCN32s
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.weights.files import save_weights
from searchctl.trainer.weights.initial import load_initial_weights
from tests.networks import tiny_encoders  # noqa: F401  # tiny_vgg

TINY = {"encoder": "test_resnet", "width": 16}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_are_those_of_vgg16_and_the_papers_layers():
    with torch.device("meta"):
        network = FCN32s(7)
    assert [count(part) for part in network.children()] == [14_714_688, 119_545_856, 229_383]
    assert [count(layer) for layer in network.classifier] == [28_679, 200_704]
    assert count(network) == 134_489_927


@pytest.mark.parametrize("size", [(97, 131), (360, 480), (1, 1)])
@torch.no_grad()
def test_logits_have_the_size_of_the_images(size):
    assert FCN32s(7, **TINY).eval()(torch.randn(2, 3, *size)).shape == (2, 7, *size)


@torch.no_grad()
def test_images_are_padded_to_a_multiple_of_32_and_logits_cut_back():
    network, images = FCN32s(5, **TINY).eval(), torch.randn(1, 3, 61, 90)
    padded = F.pad(images, (0, 6, 0, 3))
    assert torch.equal(network(images), network(padded)[..., :61, :90])
    parts = network.classifier(network.decoder(network.encoder(padded)))
    assert torch.equal(network(padded), parts)


@torch.no_grad()
def test_the_step_up_begins_as_bilinear_interpolation():
    scores = torch.randn(2, 7, 4, 5)
    upsampled = FCN32s(7, **TINY).classifier[1](scores)
    expected = F.interpolate(scores, scale_factor=32, mode="bilinear", align_corners=False)
    assert upsampled.shape == expected.shape
    # at the border a transposed convolution fades to 0 where interpolation repeats the last value
    inside = (..., slice(16, -16), slice(16, -16))
    torch.testing.assert_close(upsampled[inside], expected[inside])


def test_the_step_up_is_learned():
    network = FCN32s(3, **TINY)
    network(torch.randn(2, 3, 64, 64)).square().sum().backward()
    assert network.classifier[1].weight.grad.count_nonzero() == 3 * 3 * 64 * 64


@pytest.mark.parametrize(("dropout", "active"), [(0.0, []), (0.3, [0.3])])
def test_channels_are_dropped_exactly_when_requested(dropout, active):
    network = FCN32s(5, **TINY, dropout=dropout)
    assert [each.p for each in network.modules() if isinstance(each, nn.Dropout2d)] == active


def test_both_wide_layers_are_followed_by_dropout():
    decoder = FCN32s(5, **TINY, dropout=0.5).train().decoder
    with torch.no_grad():
        nn.init.ones_(decoder.fc6.bias)
        nn.init.dirac_(decoder.fc7.weight)
        nn.init.zeros_(decoder.fc7.bias)
    # what is kept is scaled by 1 / (1 - dropout), twice
    dropped = decoder([torch.zeros(64, 96, 1, 1)])
    assert set(dropped.unique().tolist()) == {0.0, 4.0}


@torch.no_grad()
def test_fc6_and_fc7_can_be_those_of_the_classification_network():
    whole = timm.create_model("tiny_vgg", mlp_ratio=1.0).eval()
    network = FCN32s(5, encoder="tiny_vgg", width=4096).eval()
    assert network.load_pretrained_extra(whole.state_dict()) == 4
    features = whole.forward_features(torch.randn(1, 3, 224, 224))
    # at the middle of 7x7 features fc6 sees all of them, as the fully connected layer does
    middle = network.decoder([features])[..., 3:4, 3:4]
    torch.testing.assert_close(middle, whole.pre_logits(features))


@pytest.mark.parametrize("names", VGG_NAMES["fc6"])
def test_weights_that_are_not_those_of_both_layers_change_nothing(names):
    network = FCN32s(5, **TINY)
    before = {name: each.clone() for name, each in network.decoder.state_dict().items()}
    weights = {f"{names}.weight": torch.zeros(16, 96, 7, 7), f"{names}.bias": torch.zeros(16)}
    assert network.load_pretrained_extra(weights) == 0
    after = network.decoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_torchvisions_fully_connected_layers_are_taken_as_convolutions():
    network, rows = FCN32s(5, **TINY), torch.randn(16, 96 * 7 * 7)
    weights = {
        "classifier.0.weight": rows,
        "classifier.0.bias": torch.zeros(16),
        "classifier.3.weight": torch.randn(16, 16),
        "classifier.3.bias": torch.zeros(16),
        "classifier.6.weight": torch.randn(1000, 16),
    }
    assert network.load_pretrained_extra(weights) == 4
    assert torch.equal(network.decoder.fc6.weight.flatten(1), rows)


def test_pooling_is_no_stage_of_vgg_by_itself():
    stages = FCN32s(5, encoder="tiny_vgg", width=16).encoder.stages()
    kinds = [[type(each).__name__ for each in stage] for stage in stages]
    assert kinds[1:] == [
        ["MaxPool2d", "Conv2d", "ReLU"],
        ["MaxPool2d", "Conv2d", "ReLU", "MaxPool2d"],
    ]


@torch.no_grad()
def test_pretrained_weights_fill_fc6_and_fc7_too_and_the_record_states_it(tmp_path):
    whole = timm.create_model("tiny_vgg", mlp_ratio=1.0)
    names = {name: name.replace("features.", "features_") for name in whole.state_dict()}
    tensors = {names[name]: each for name, each in whole.state_dict().items()}
    save_weights(tensors, tmp_path / "tiny_vgg.safetensors")
    settings = TrainSettings(
        model="fcn32s", encoder="tiny_vgg", init="pretrained", weights=str(tmp_path)
    )
    network = build_model(settings, 5)
    started = load_initial_weights(network, settings, 5)
    assert "all 10 tensors of the encoder and 4 of the decoder" in started.text
    assert torch.equal(network.decoder.fc6.weight, whole.pre_logits.fc1.weight)
    assert torch.equal(network.decoder.fc7.bias, whole.pre_logits.fc2.bias)


@pytest.mark.parametrize("encoder", ["swin_tiny_patch4_window7_224", "vit_small_patch14_dinov2"])
def test_an_encoder_of_whole_patches_takes_every_size(encoder):
    with torch.device("meta"):
        logits = FCN32s(3, encoder=encoder, width=4)(torch.randn(2, 3, 97, 131))
    assert logits.shape == (2, 3, 97, 131)


def test_an_encoder_for_one_size_names_that_of_the_images_and_not_a_padded_one():
    with torch.device("meta"):
        model = FCN32s(3, encoder="hiera_tiny_224", width=4).eval()
        with pytest.raises(SettingsError, match="images of 224x224 pixels only, not 100x100: set"):
            model(torch.randn(1, 3, 100, 100))
