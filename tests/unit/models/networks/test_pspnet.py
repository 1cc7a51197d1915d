import pytest
import torch
import torch.nn.functional as F
from torch import nn

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.networks.pspnet import PSPNet
from searchctl.trainer.models.timm.library import torchvision
from tests.networks.tiny_models import settled

TINY = {"encoder": "test_resnet", "width": 8}


def counts(network):
    return {
        name: sum(each.numel() for each in part.parameters())
        for name, part in network.named_children()
    }


def on_meta(**options):
    with torch.device("meta"):
        return PSPNet(11, **options)


@pytest.mark.parametrize(
    ("ppm", "decoder", "total"), [(True, 23_073_792, 49_073_878), (False, 9_438_208, 35_438_294)]
)
def test_parameters_are_those_of_the_authors_network(ppm, decoder, total):
    parts = counts(on_meta(ppm=ppm))
    assert parts == {
        "encoder": 23_631_808,
        "decoder": decoder,
        "classifier": 5_643,
        "aux_decoder": 2_359_808,
        "aux_classifier": 2_827,
    }
    assert sum(parts.values()) == total


def test_without_an_auxiliary_loss_there_is_no_auxiliary_head():
    assert list(counts(on_meta(aux_loss=False))) == ["encoder", "decoder", "classifier"]
    images = torch.randn(2, 3, 32, 32)
    assert len(PSPNet(3, **TINY, aux_loss=False).all_logits(images)) == 1
    assert len(PSPNet(3, **TINY, aux_loss=True).all_logits(images)) == 2


@pytest.mark.parametrize(
    ("output_stride", "strides", "third", "fourth"),
    [
        (8, (4, 8, 8, 8), {2}, {4}),
        (16, (4, 8, 16, 16), {1}, {2}),
        (32, (4, 8, 16, 32), {1}, {1}),
    ],
)
def test_every_block_of_a_stage_is_dilated_as_far_as_its_stride_was_taken(
    output_stride, strides, third, fourth
):
    encoder = on_meta(output_stride=output_stride).encoder
    features = encoder(torch.randn(1, 3, 96, 64, device="meta"))
    assert tuple(96 // each.shape[-2] for each in features) == strides
    dilations = [
        {block.conv2.dilation[0] for block in stage}
        for stage in (encoder.net.layer3, encoder.net.layer4)
    ]
    assert dilations == [third, fourth]


def authors_resnet50():
    """A plain ResNet dilated as PSPNet's authors do it: each 3x3 of both stages, by its name."""
    net = torchvision.models.resnet50(weights=None)
    for stage, dilation in ((net.layer3, 2), (net.layer4, 4)):
        for name, module in stage.named_modules():
            if "conv2" in name:
                module.dilation = module.padding = (dilation, dilation)
                module.stride = (1, 1)
            elif "downsample.0" in name:
                module.stride = (1, 1)
    return net


def test_last_features_are_those_of_a_resnet_dilated_as_the_authors_do():
    images, net = torch.randn(2, 3, 57, 65), authors_resnet50().eval()
    with torch.no_grad():
        encoder = settled(PSPNet(3, encoder="resnet50", width=1), images).encoder
        missing = net.load_state_dict(encoder.net.state_dict(), strict=False).missing_keys
        assert missing == ["fc.weight", "fc.bias"]
        assert torch.equal(encoder(images)[-1], nn.Sequential(*list(net.children())[:-2])(images))


def aligned(x, side):
    """Resample bilinearly, corner on corner."""
    ticks = torch.linspace(-1, 1, side)
    grid = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), dim=-1)
    return F.grid_sample(x, grid.expand(len(x), -1, -1, -1), align_corners=True)


def normalised(block, x):
    """A block of convolution, normalisation and ReLU, in evaluation."""
    convolution, norm, _ = block
    x = F.conv2d(x, convolution.weight, padding=convolution.kernel_size[0] // 2)
    shape = (1, -1, 1, 1)
    x = (x - norm.running_mean.view(shape)) / (norm.running_var.view(shape) + norm.eps).sqrt()
    return (x * norm.weight.view(shape) + norm.bias.view(shape)).relu()


def test_pyramid_joins_the_features_with_averages_over_1_2_3_and_6_bins():
    last = torch.randn(4, 96, 12, 12)
    decoder = settled(PSPNet(3, **TINY).decoder, [last])
    levels = [
        aligned(normalised(branch.block, F.avg_pool2d(last, 12 // bins)), 12)
        for bins, branch in zip((1, 2, 3, 6), decoder.pyramid, strict=True)
    ]
    expected = normalised(decoder.block, torch.cat([last, *levels], dim=1))
    torch.testing.assert_close(decoder([last]), expected, atol=1e-5, rtol=1e-4)


def test_logits_are_resampled_corner_on_corner():
    images = torch.randn(2, 3, 65, 65)
    model = settled(PSPNet(3, **TINY), images)
    logits, coarse = model(images), model.classifier(model.decoder(model.encoder(images)))
    assert coarse.shape[-2:] == (9, 9)
    torch.testing.assert_close(logits[..., ::8, ::8], coarse)


def reach(model):
    """How many rows of the image the logits of its first pixel depend on."""
    settled(model, torch.randn(2, 3, 384, 16))
    images = torch.randn(1, 3, 384, 16, requires_grad=True)
    model(images)[0, :, 0, 0].sum().backward()
    return int(images.grad.abs().sum(dim=(0, 1, 3)).nonzero().max()) + 1


def test_only_the_pyramid_sees_the_whole_image():
    assert reach(PSPNet(3, **TINY, ppm=True)) == 384
    assert reach(PSPNet(3, **TINY, ppm=False)) < 384


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("size", [(97, 131), (33, 7), (1, 1)])
def test_every_size_works(size, training):
    model = PSPNet(3, **TINY).train(training)
    for logits in model.all_logits(torch.randn(2, 3, *size)):
        assert logits.shape == (2, 3, *size)
        assert logits.isfinite().all()


@pytest.mark.parametrize("part", ["decoder", "aux_decoder"])
@pytest.mark.parametrize(("dropout", "scales"), [(0.0, {1.0}), (0.5, {0.0, 2.0})])
def test_dropout_is_the_last_before_each_classifier(part, dropout, scales):
    head, seen = getattr(PSPNet(3, **TINY, dropout=dropout).train(), part), []
    head.block.register_forward_hook(lambda *call: seen.append(call[-1]))
    dropped = head([torch.rand(8, channels, 4, 4) for channels in (32, 48, 192, 96)])
    alive = seen[0] > 0
    assert set((dropped[alive] / seen[0][alive]).unique().tolist()) == scales


@pytest.mark.parametrize("encoder", ["resnet18", "test_convnext", "test_efficientnet"])
def test_encoders_of_convolutions_get_the_output_stride(encoder):
    features = PSPNet(3, encoder=encoder, width=4).encoder(torch.randn(1, 3, 64, 64))
    assert features[-1].shape[-2:] == (8, 8)


def test_an_encoder_with_one_output_stride_is_taken_at_it_and_refused_at_another():
    assert on_meta(encoder="pvt_v2_b0", output_stride=32).encoder.reductions[-1] == 32
    with pytest.raises(SettingsError, match=r"'pvt_v2_b0' has output stride 32 only, not 8: .*"):
        on_meta(encoder="pvt_v2_b0", output_stride=8)


def test_an_encoder_of_whole_patches_takes_every_size():
    with torch.device("meta"):
        model = PSPNet(3, encoder="swin_tiny_patch4_window7_224", width=4, output_stride=32)
        assert model(torch.randn(2, 3, 97, 131)).shape == (2, 3, 97, 131)
