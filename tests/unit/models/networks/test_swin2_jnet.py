import pytest
import torch
import torch.nn.functional as F
from torch import nn

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.networks.swin2_jnet import Swin2JNet
from tests.networks import tiny_encoders  # noqa: F401  # tiny_swinv2

TINY = {"encoder": "tiny_swinv2", "width": 32}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_are_those_of_the_published_network():
    with torch.device("meta"):
        network = Swin2JNet(34)
    assert [count(part) for part in network.children()] == [86_891_768, 31_062_816, 1_122]
    assert count(network) == 117_955_706


@pytest.mark.parametrize("encoder", ["tiny_swinv2", "test_convnext", "test_resnet"])
@pytest.mark.parametrize("size", [(97, 131), (360, 480)])
@torch.no_grad()
def test_any_pyramid_and_any_size_will_do(encoder, size):
    network = Swin2JNet(5, encoder=encoder, width=16).eval()
    assert network(torch.randn(2, 3, *size)).shape == (2, 5, *size)


@torch.no_grad()
def test_images_are_padded_to_whole_patches_and_logits_cut_back():
    network, images = Swin2JNet(5, **TINY).eval(), torch.randn(1, 3, 61, 90)
    padded = F.pad(images, (0, 2, 0, 3))
    assert torch.equal(network(images), network(padded)[..., :61, :90])
    parts = network.classifier(network.decoder(network.encoder(padded)))
    assert torch.equal(network(padded), parts)


def test_the_last_features_reach_the_image_size_without_resampling():
    network = Swin2JNet(5, **TINY)
    features = network.encoder(torch.randn(2, 3, 64, 96))
    assert [each.shape[-2:] for each in features] == [(16, 24), (8, 12), (4, 6), (2, 3)]
    assert network.decoder(features).shape == (2, 2, 64, 96)


@torch.no_grad()
def test_every_level_of_the_encoder_is_joined():
    network = Swin2JNet(5, **TINY).train()
    features = network.encoder(torch.randn(2, 3, 64, 64))
    logits = network.decoder(features)
    for level in range(4):
        without = [each * (at != level) for at, each in enumerate(features)]
        assert not torch.equal(network.decoder(without), logits)


def test_every_convolution_of_the_decoder_is_followed_by_batch_norm_and_dropout():
    network = Swin2JNet(5, **TINY, dropout=0.1)
    for part in [network.decoder.lowest, *(step.convolutions for step in network.decoder.steps)]:
        kinds = [type(layer) for layer in part]
        assert kinds == 2 * [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Dropout2d]
        assert {layer.p for layer in part if isinstance(layer, nn.Dropout2d)} == {0.1}


@pytest.mark.parametrize(("drop_path", "active"), [(0.0, 0), (0.2, 46)])
def test_branches_of_swin_are_skipped_exactly_when_requested(drop_path, active):
    with torch.device("meta"):
        encoder = Swin2JNet(5, drop_path=drop_path).encoder
    assert sum(getattr(each, "drop_prob", 0) > 0 for each in encoder.modules()) == active


@pytest.mark.parametrize(("encoder", "smallest"), [("tiny_swinv2", 8), ("test_convnext", 32)])
@torch.no_grad()
def test_smallest_size_is_that_of_the_encoder(encoder, smallest):
    network = Swin2JNet(5, encoder=encoder, width=16).eval()
    assert network(torch.randn(1, 3, smallest, smallest)).isfinite().all()
    with pytest.raises(SettingsError, match=f"at least {smallest}x{smallest} pixels"):
        network(torch.randn(1, 3, smallest, smallest - 1))


def test_an_encoder_without_a_pyramid_is_refused_with_an_example_of_one():
    with pytest.raises(
        SettingsError, match=r"'test_vit' has them at \(16, 16, 16, 16\): use another"
    ):
        Swin2JNet(5, encoder="test_vit")


def test_a_width_that_leaves_the_last_step_no_channel_is_refused():
    with pytest.raises(SettingsError, match="a width of at least 16, not 15"):
        Swin2JNet(5, encoder="tiny_swinv2", width=15)
    assert Swin2JNet(5, encoder="tiny_swinv2", width=16).classifier.in_channels == 1


def test_an_encoder_whose_sides_can_be_halved_to_the_end_takes_every_size():
    with torch.device("meta"):
        logits = Swin2JNet(3, encoder="hrnet_w18_small", width=16)(torch.randn(2, 3, 97, 131))
    assert logits.shape == (2, 3, 97, 131)
