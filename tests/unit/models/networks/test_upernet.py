import pytest
import torch

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.networks.upernet import UPerNet
from searchctl.trainer.models.timm.encoder import TimmEncoder

from transformers import ConvNextConfig, UperNetConfig, UperNetForSemanticSegmentation  # isort: skip


def count(*modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def test_parameters_are_those_of_the_published_network():
    with torch.device("meta"):
        model = UPerNet(37)
    assert count(model.encoder.timm) == 27_818_592
    assert count(model.encoder) == 27_821_472
    assert count(model.decoder) == 31_420_416
    assert count(model.classifier) == 18_981
    assert (count(model.aux_decoder), count(model.aux_classifier)) == (885_248, 9_509)
    assert count(model) == 60_155_626


def theirs(width):
    """The network of the transformers library on ConvNeXt-T."""
    stages = ["stage1", "stage2", "stage3", "stage4"]
    backbone = ConvNextConfig(hidden_sizes=[96, 192, 384, 768], out_features=stages)
    config = UperNetConfig(
        backbone_config=backbone,
        hidden_size=width,
        auxiliary_channels=width // 2,
        num_labels=37,
    )
    return UperNetForSemanticSegmentation(config)


def copy(sources, target):
    """Copy the weights of modules into another that has them in the same order."""
    values = [value for source in sources for value in source.state_dict().values()]
    for own, other in zip(target.state_dict().values(), values, strict=True):
        own.copy_(other)


@torch.no_grad()
def test_logits_are_those_of_transformers():
    torch.manual_seed(0)
    expected, model = theirs(32).eval(), UPerNet(37, width=32).eval()
    head, aux = expected.decode_head, expected.auxiliary_head
    copy([expected.backbone], model.encoder)
    parts = [head.psp_modules, head.bottleneck, head.lateral_convs, head.fpn_convs]
    copy([*parts, head.fpn_bottleneck], model.decoder)
    copy([head.classifier], model.classifier)
    copy([aux.convs], model.aux_decoder)
    copy([aux.classifier], model.aux_classifier)
    images = torch.randn(2, 3, 97, 131)
    main, auxiliary = model.all_logits(images)
    features = expected.backbone(images).feature_maps
    assert torch.equal(main, expected(images).logits)
    torch.testing.assert_close(auxiliary, model._resampled(aux(features), images), rtol=0, atol=0)


@pytest.mark.parametrize("encoder", ["test_resnet", "efficientnet_b0", "test_vit"])
def test_other_encoders_learn_at_odd_sizes(encoder):
    model = UPerNet(5, encoder=encoder, width=8).train()
    logits = model.all_logits(torch.randn(2, 3, 97, 131))
    assert [each.shape for each in logits] == [(2, 5, 97, 131)] * 2
    sum(each.square().mean() for each in logits).backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize("encoder", ["test_convnext", "vgg11", "test_resnet"])
def test_stages_are_the_networks_each_with_its_norm(encoder):
    with torch.device("meta"):
        model = UPerNet(5, encoder=encoder, width=8)
    stages = model.encoder.stages()
    assert [stage[-1] for stage in stages] == list(model.encoder.levels)
    assert count(*(module for stage in stages for module in stage)) == count(model.encoder)


def test_timms_network_can_be_found_for_its_weights():
    model = UPerNet(5, encoder="test_convnext", width=8)
    assert [m for m in model.modules() if isinstance(m, TimmEncoder)] == [model.encoder.timm]


def test_auxiliary_head_can_be_left_out():
    model = UPerNet(5, encoder="test_convnext", width=8, aux_loss=False)
    assert len(model.all_logits(torch.randn(2, 3, 64, 64))) == 1


def test_too_small_images_name_the_smallest():
    with pytest.raises(SettingsError, match="UPerNet needs images of at least 32x32"):
        UPerNet(5, encoder="test_convnext", width=8)(torch.randn(2, 3, 64, 31))


@pytest.mark.parametrize("encoder", ["levit_128", "nest_base"])
def test_networks_of_less_than_four_features_are_refused(encoder):
    with pytest.raises(SettingsError, match=f"encoder '{encoder}' cannot be built"):
        UPerNet(5, encoder=encoder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"encoder": "vgg11", "drop_path": 0.2},
            "encoder 'vgg11' has no residual branches that timm can skip: remove drop_path",
        ),
        (
            {"encoder": "resnet10t.a1_in1k"},
            "encoder 'resnet10t': unknown tag 'a1_in1k': did you mean 'c3_in1k'?",
        ),
        (
            {"encoder": "test_convnext.x"},
            "encoder 'test_convnext': unknown tag 'x': known are r160_",
        ),
        ({"encoder": "vovnet57a.x"}, "encoder 'vovnet57a': it has no tags: remove .x"),
        (
            {"encoder": "mit_b2"},
            "encoder 'mit_b2' is for segformer only: for other models use pvt_v2_b2",
        ),
    ],
)
def test_an_encoder_that_cannot_be_made_says_what_to_change(options, message):
    with pytest.raises(SettingsError) as caught:
        UPerNet(5, **options)
    assert str(caught.value).startswith(message)


def test_an_unknown_encoder_is_refused_with_the_number_of_known_ones():
    with pytest.raises(SettingsError, match=r"^unknown encoder 'zzzzq': \d+ are known$"):
        UPerNet(5, encoder="zzzzq")
