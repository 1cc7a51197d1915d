import pytest
import torch
from torch import nn

from searchctl.trainer.models.networks.deeplabv3 import DeepLabV3
from searchctl.trainer.models.timm.library import torchvision
from searchctl.trainer.settings.training import TrainSettings
from tests.networks.tiny_models import settled

TINY = {"encoder": "test_resnet", "width": 8}


def counts(network):
    return {
        name: sum(each.numel() for each in part.parameters())
        for name, part in network.named_children()
    }


def on_meta(classes=21, **options):
    with torch.device("meta"):
        return DeepLabV3(classes, **options)


def test_parameters_are_those_of_torchvisions_network():
    parts = counts(on_meta())
    assert parts == {
        "encoder": 23_508_032,
        "decoder": 16_125_440,
        "classifier": 5_397,
        "aux_decoder": 2_359_808,
        "aux_classifier": 5_397,
    }
    assert sum(parts.values()) == 42_004_074


@pytest.mark.parametrize(
    ("classes", "options", "total"),
    [
        (7, {}, 41_996_878),
        (21, {"encoder": "resnet101"}, 60_996_202),
        (7, {"encoder": "resnet101"}, 60_989_006),
        (21, {"aux_loss": False}, 39_638_869),
        (21, {"output_stride": 16}, 42_004_074),
    ],
)
def test_parameters_of_the_variants(classes, options, total):
    assert sum(counts(on_meta(classes, **options)).values()) == total


OURS_AND_THEIRS = {
    "encoder.net": "backbone",
    **{f"decoder.branches.{branch}": f"classifier.0.convs.{branch}" for branch in range(4)},
    "decoder.branches.4.block.0": "classifier.0.convs.4.1",
    "decoder.branches.4.block.1": "classifier.0.convs.4.2",
    "decoder.projection": "classifier.0.project",
    "decoder.block.0": "classifier.1",
    "decoder.block.1": "classifier.2",
    "classifier": "classifier.4",
    "aux_decoder.block.0": "aux_classifier.0",
    "aux_decoder.block.1": "aux_classifier.1",
    "aux_classifier": "aux_classifier.4",
}


def torchvisions(model, classes):
    """torchvision's network with the weights and statistics of searchctl's."""
    theirs = torchvision.models.segmentation.deeplabv3_resnet50(
        weights=None, weights_backbone=None, aux_loss=True, num_classes=classes
    )
    loaded = 0
    for our_part, their_part in OURS_AND_THEIRS.items():
        weights = model.get_submodule(our_part).state_dict()
        theirs.get_submodule(their_part).load_state_dict(weights)
        loaded += len(weights)
    assert loaded == len(theirs.state_dict()) == len(model.state_dict())
    return theirs


def test_both_logits_are_torchvisions_with_the_same_weights():
    images = torch.randn(2, 3, 57, 65)
    with torch.no_grad():
        model = settled(DeepLabV3(21), images)
        logits, aux = model.all_logits(images)
        expected = torchvisions(model, 21).eval()(images)
    assert torch.equal(logits, expected["out"])
    assert torch.equal(aux, expected["aux"])


def test_without_an_auxiliary_loss_there_is_no_auxiliary_head():
    assert list(counts(on_meta(aux_loss=False))) == ["encoder", "decoder", "classifier"]
    images = torch.randn(2, 3, 32, 32)
    assert len(DeepLabV3(3, **TINY, aux_loss=False).all_logits(images)) == 1
    assert len(DeepLabV3(3, **TINY, aux_loss=True).all_logits(images)) == 2


@pytest.mark.parametrize(
    ("output_stride", "rates"), [(8, [12, 24, 36]), (16, [6, 12, 18]), (32, [3, 6, 9])]
)
def test_rates_left_out_follow_the_output_stride(output_stride, rates):
    model = on_meta(**TINY, output_stride=output_stride)
    assert model.encoder.reductions[-1] == output_stride
    assert dilations(model) == [1, *rates]


@pytest.mark.parametrize(
    ("written", "rates"), [("6,12,18", [6, 12, 18]), ("2", [2]), ([6, 12, 18], [6, 12, 18])]
)
def test_rates_are_those_that_are_given(written, rates):
    settings = TrainSettings(model="deeplabv3", aspp_rates=written)
    assert dilations(on_meta(**TINY, aspp_rates=settings.aspp_rates)) == [1, *rates]


def dilations(model):
    return [branch[0].dilation[0] for branch in list(model.decoder.branches)[:-1]]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("size", [(97, 131), (33, 7), (1, 1)])
def test_every_size_works(size, training):
    model = DeepLabV3(3, **TINY).train(training)
    for logits in model.all_logits(torch.randn(2, 3, *size)):
        assert logits.shape == (2, 3, *size)
        assert logits.isfinite().all()


def test_dropout_follows_the_projection_as_torchvisions_does():
    model = DeepLabV3(3, **TINY, dropout=0.5).train()
    seen = {}
    model.decoder.projection.register_forward_hook(lambda *call: seen.update(projected=call[-1]))
    model.decoder.block.register_forward_pre_hook(lambda _, inputs: seen.update(block=inputs[0]))
    model(torch.rand(2, 3, 32, 32))
    scale = torch.where(seen["projected"] > 0, seen["block"] / seen["projected"], torch.nan)
    assert set(scale[~scale.isnan()].unique().tolist()) == {0.0, 2.0}


def test_dropout_precedes_the_auxiliary_classifier():
    for dropout, kind in ((0.0, nn.Identity), (0.5, nn.Dropout2d)):
        assert type(DeepLabV3(3, **TINY, dropout=dropout).aux_decoder.dropout) is kind


def test_an_encoder_of_whole_patches_takes_every_size():
    with torch.device("meta"):
        model = DeepLabV3(3, encoder="test_vit", width=4, output_stride=16)
        assert model(torch.randn(2, 3, 97, 131)).shape == (2, 3, 97, 131)
