import sys
import warnings
from importlib import import_module

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.finetune import freeze
from searchctl.trainer.models.smp import SmpModel
from searchctl.trainer.settings.catalog import SMP_DECODERS
from searchctl.trainer.settings.training import TrainSettings

smp = import_module("segmentation_models_pytorch")  # after our import of torchvision

COMBINATIONS = [
    *((decoder, "resnet18") for decoder in SMP_DECODERS if decoder != "dpt"),
    ("dpt", "tu-test_vit"),
    ("fpn", "tu-test_resnet"),
    ("unet", "tu-test_convnext"),
    ("upernet", "tu-swinv2_cr_tiny_ns_224"),
]


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(decoder, encoder, classes=5, **options):
    with torch.device("meta"):
        return SmpModel(classes, decoder=decoder, encoder=encoder, **options)


@pytest.mark.parametrize(
    ("decoder", "encoder"),
    [("fpn", "tu-test_resnet"), ("segformer", "resnet18"), ("dpt", "tu-test_vit")],
)
@torch.no_grad()
def test_logits_are_those_of_the_library(decoder, encoder):
    options = {"dynamic_img_size": True, "num_classes": 0} if decoder == "dpt" else {}
    theirs = getattr(smp, SMP_DECODERS[decoder])(
        encoder, encoder_weights=None, classes=5, **options
    ).eval()
    ours = SmpModel(5, decoder=decoder, encoder=encoder).eval()
    ours.encoder.net.load_state_dict(theirs.encoder.state_dict())
    ours.decoder.net.load_state_dict(theirs.decoder.state_dict())
    ours.classifier.load_state_dict(theirs.segmentation_head.state_dict())
    images = torch.randn(2, 3, 64, 96)
    assert torch.equal(ours(images), theirs(images))


def test_parameters_are_those_of_the_library():
    parts = [count(part) for part in on_meta("segformer", "tu-pvt_v2_b0", 19).children()]
    assert parts == [3_409_760, 394_752, 4_883]


@pytest.mark.parametrize(("decoder", "encoder"), COMBINATIONS)
@pytest.mark.parametrize(
    "size", [(97, 131), pytest.param((360, 480), marks=pytest.mark.exhaustive)]
)
def test_logits_have_the_size_of_the_images(decoder, encoder, size):
    network = on_meta(decoder, encoder).train()
    if min(size) >= network.smallest:
        assert network(torch.randn(2, 3, *size, device="meta")).shape == (2, 5, *size)
    else:
        with pytest.raises(SettingsError, match="at least 113x113 pixels"):
            network(torch.randn(2, 3, *size, device="meta"))


@pytest.mark.exhaustive
@pytest.mark.parametrize(("decoder", "encoder"), COMBINATIONS)
def test_smallest_size_works(decoder, encoder):
    network = on_meta(decoder, encoder)
    side = network.smallest
    assert network(torch.randn(2, 3, side, side, device="meta")).shape == (2, 5, side, side)


@pytest.mark.parametrize(("decoder", "multiple"), [("fpn", 32), ("pspnet", 8), ("pan", 16)])
@torch.no_grad()
def test_images_are_padded_as_the_network_demands_and_logits_cut_back(decoder, multiple):
    network = SmpModel(5, decoder=decoder, encoder="tu-test_resnet").eval()
    images = torch.randn(1, 3, 8 * multiple - 3, 9 * multiple - 6)
    padded = F.pad(images, (0, 6, 0, 3))
    assert network.multiple == multiple
    assert torch.equal(network(images), network(padded)[..., :-3, :-6])


@pytest.mark.parametrize(
    ("decoder", "encoder"),
    [
        ("fpn", "tu-test_resnet"),  # Dropout2d in the decoder
        ("dpt", "tu-test_vit"),  # Dropout in the head
        ("unet", "tu-swinv2_cr_tiny_ns_224"),  # timm's stochastic depth
        ("unet", "efficientnet-b0"),  # smp's stochastic depth
    ],
)
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@torch.no_grad()
def test_training_is_random_exactly_when_dropout_is_requested(decoder, encoder, dropout):
    network = SmpModel(3, decoder=decoder, encoder=encoder, dropout=dropout).train()
    images = torch.randn(2, 3, 64, 64)
    assert torch.equal(network(images), network(images)) is (dropout == 0)


def test_dropout_is_in_front_of_the_classifier():
    decoder = on_meta("fpn", "tu-test_resnet", dropout=0.5).decoder
    assert isinstance(list(decoder.children())[-1], nn.Dropout2d)
    assert [each.p for each in decoder.modules() if isinstance(each, nn.Dropout2d)] == [0, 0.5]


@pytest.mark.parametrize(
    ("encoder", "stages"),
    [
        ("tu-test_resnet", 5),
        ("tu-test_convnext", 4),
        ("resnet18", 3),
        ("mobilenet_v2", 3),
        ("densenet121", 1),
    ],
)
def test_stages_have_every_parameter_of_the_encoder_once(encoder, stages):
    network = on_meta("fpn", encoder)
    found = network.encoder.stages()
    weights = [id(each) for stage in found for part in stage for each in part.parameters()]
    assert len(found) == stages
    assert sorted(weights) == sorted(id(each) for each in network.encoder.parameters())


def test_stages_of_dpts_encoder_are_its_blocks_that_are_taken():
    stages = on_meta("dpt", "tu-test_vit").encoder.stages()
    assert len(stages) == 4


def test_last_stage_is_the_one_that_is_nearest_to_the_decoder():
    network = on_meta("fpn", "resnet18")
    freeze(network, "last_1")
    trained = {name for name, each in network.encoder.named_parameters() if each.requires_grad}
    assert {name.split(".")[1] for name in trained} == {"layer4"}


def test_a_name_with_smp_builds_it_with_the_settings():
    settings = TrainSettings(model="smp:fpn/tu-test_resnet", dropout=0.25)
    network = build_model(settings, 7)
    assert isinstance(network, SmpModel)
    assert network.decoder.dropout.p == 0.25
    assert network(torch.randn(2, 3, 33, 40)).shape == (2, 7, 33, 40)


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ("resnet81", "did you mean 'resnet18'"),
        ("tu-convnext_tinny", "did you mean 'tu-convnext_tiny'"),
        ("tu-test_vit", "smp:fpn cannot be built on encoder 'tu-test_vit': Unsupported"),
    ],
)
def test_an_encoder_that_cannot_be_had_is_refused_with_the_reason(encoder, message):
    with pytest.raises(SettingsError, match=message):
        SmpModel(3, decoder="fpn", encoder=encoder)


def test_an_encoder_that_computes_while_it_is_built_is_not_refused_for_the_meta_device():
    with pytest.raises(NotImplementedError, match="meta device"):
        on_meta("fpn", "mit_b0")


def test_without_the_library_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "segmentation_models_pytorch", None)
    with pytest.raises(SettingsError, match=r"install searchctl\[smp\]"):
        SmpModel(3, decoder="fpn", encoder="resnet18")


def test_a_network_is_built_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        on_meta("deeplabv3plus", "tu-efficientnet_b0")
