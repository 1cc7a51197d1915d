import pytest
import torch
import torch.nn.functional as F
from torch import nn

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.networks.simple_seg import SimpleSeg

TINY = "test_resnet"


def counts(network):
    return [sum(each.numel() for each in part.parameters()) for part in network.children()]


def test_parameters_are_those_of_the_courses_network():
    with torch.device("meta"):
        network = SimpleSeg(11)
    assert counts(network) == [23_631_808, 0, 22_539]
    assert sum(counts(network)) == 23_654_347


def test_logits_are_those_of_a_linear_classifier_on_the_last_features():
    model, images = SimpleSeg(3, encoder=TINY).eval(), torch.randn(2, 3, 64, 96)
    last = model.encoder(images)[-1]
    linear = torch.einsum("bchw,kc->bkhw", last, model.classifier.weight[..., 0, 0])
    expected = F.interpolate(
        linear + model.classifier.bias.view(1, -1, 1, 1), size=(64, 96), mode="bilinear"
    )
    torch.testing.assert_close(model(images), expected)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("size", [(97, 131), (33, 7), (1, 1)])
def test_every_size_works(size, training):
    model = SimpleSeg(3, encoder="resnet18").train(training)
    logits = model(torch.randn(2, 3, *size))
    assert logits.shape == (2, 3, *size)
    assert logits.isfinite().all()


def test_dropout_drops_channels_of_the_last_features_and_nothing_else():
    model = SimpleSeg(3, encoder=TINY, dropout=0.5).train()
    last = model.encoder(torch.randn(2, 3, 64, 64))[-1].abs() + 1
    kept = model.decoder([last]) / last
    per_channel = kept.flatten(2)
    assert set(per_channel.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(per_channel.amin(dim=2), per_channel.amax(dim=2))


@pytest.mark.parametrize("drop_path", [0.0, 0.5])
def test_drop_path_is_the_encoders(drop_path):
    model = SimpleSeg(3, encoder="resnet18", drop_path=drop_path).train()
    images = torch.randn(4, 3, 32, 32)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)  # timm initialises these of residual branches with zeros
    assert torch.equal(model(images), model(images)) is (drop_path == 0)


def test_stages_are_the_stem_with_the_first_and_one_for_each_of_the_features():
    model = SimpleSeg(3, encoder="resnet18")
    of_stages = [sum(p.numel() for m in stage for p in m.parameters())
                 for stage in model.encoder.stages()]  # fmt: skip
    assert len(of_stages) == len(model.encoder.channels)
    assert sum(of_stages) == counts(model)[0]


def test_an_encoder_that_timm_does_not_have_is_refused():
    with pytest.raises(SettingsError, match="did you mean 'resnet50s'"):
        SimpleSeg(3, encoder="resnet50ss")


@pytest.mark.parametrize("encoder", ["test_vit", "beit_base_patch16_224", "hrnet_w18_small"])
@pytest.mark.parametrize("size", [(100, 100), (97, 131), (1, 1)])
def test_encoders_of_fixed_or_whole_patches_take_every_size(encoder, size):
    with torch.device("meta"):
        logits = SimpleSeg(3, encoder=encoder).eval()(torch.randn(2, 3, *size))
    assert logits.shape == (2, 3, *size)


def test_an_encoder_for_one_size_says_which_and_takes_it():
    with torch.device("meta"):
        model = SimpleSeg(3, encoder="coatnet_nano_rw_224").eval()
        assert model(torch.randn(1, 3, 224, 224)).shape == (1, 3, 224, 224)
        with pytest.raises(SettingsError, match="takes images of 224x224 pixels only, not 100x90"):
            model(torch.randn(1, 3, 100, 90))


def test_an_encoder_that_does_not_take_a_pixel_names_its_smallest_size():
    with pytest.raises(SettingsError, match="SimpleSeg needs images of at least 32x32"):
        SimpleSeg(3, encoder="test_convnext")(torch.randn(2, 3, 31, 64))
