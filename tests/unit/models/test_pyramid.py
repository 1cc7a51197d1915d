import copy

import pytest
import torch
from torch import nn

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.timm.network import IMAGENET_MEAN, IMAGENET_STD
from searchctl.trainer.models.timm.pyramid import Pyramid
from searchctl.trainer.models.timm.traits import traits

from transformers import BeitConfig, BeitForSemanticSegmentation  # isort: skip

TINY_BEIT = {"img_size": 64, "embed_dim": 16, "depth": 6, "num_heads": 2}


@pytest.fixture
def beit():
    """A small BEiT for images of 64x64, with weights for which attention matters."""
    torch.manual_seed(0)
    pyramid = Pyramid("beit_base_patch16_224", **TINY_BEIT).eval()
    for weights in pyramid.timm.parameters():
        nn.init.normal_(weights, std=0.5)
    return pyramid


@pytest.mark.parametrize(
    ("name", "multiple", "smallest"),
    [
        ("test_convnext", 1, 32),
        ("swin_tiny_patch4_window7_224", 4, 32),  # whole patches
        ("test_vit", 16, 32),
        ("vit_small_patch14_dinov2", 14, 32),
        ("beit_base_patch16_224", 16, 32),
        ("resnetaa34d", 32, 32),  # its skips are blurred to a size that its blocks are not
        ("inception_v3", 1, 96),
    ],
)
def test_sizes_that_a_network_takes_are_found(name, multiple, smallest):
    assert traits(name).sizes == (multiple, smallest, None)


def test_a_network_for_one_size_says_which():
    pyramid = Pyramid("hiera_tiny_224")
    assert len(pyramid(torch.randn(1, 3, 224, 224))) == 4
    with pytest.raises(SettingsError, match="images of 224x224 pixels only, not 96x128: set"):
        pyramid(torch.randn(1, 3, 96, 128))


def test_looking_for_sizes_draws_no_random_numbers():
    torch.manual_seed(0)
    first = Pyramid("test_mambaout").state_dict()
    torch.manual_seed(0)
    again = Pyramid("test_mambaout").state_dict()  # it is known by now
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (80, 112)])
@torch.no_grad()
def test_one_size_of_features_becomes_four(size):
    height, width = size
    features = Pyramid("test_vit")(torch.randn(2, 3, *size))
    sides = [(height // 4, width // 4), (height // 8, width // 8), (height // 16, width // 16)]
    last = ((height + 31) // 32, (width + 31) // 32)
    assert [tuple(each.shape) for each in features] == [(2, 64, *side) for side in (*sides, last)]


@pytest.mark.parametrize(
    ("depth", "blocks"), [(12, (3, 5, 7, 11)), (24, (7, 11, 15, 23)), (6, (1, 2, 3, 5))]
)
def test_features_come_from_all_of_the_depth(depth, blocks):
    found = traits("test_vit", depth=depth)
    assert (found.plain, found.options["out_indices"]) == (True, blocks)


NAMES = {
    "timm.net.model.": "beit.",
    "patch_embed.proj": "embeddings.patch_embeddings.projection",
    "cls_token": "embeddings.cls_token",
    "blocks": "layers",
    "attn.relative": "relative_position_bias.relative",
    "attn.proj": "attention.o_proj",
    "attn.q_bias": "attention.q_proj.bias",
    "attn.v_bias": "attention.v_proj.bias",
    "gamma": "lambda",
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "levels.0.0": "fpn.fpn1.conv_transpose1",
    "levels.0.1": "fpn.fpn1.normalization",
    "levels.0.3": "fpn.fpn1.conv_transpose2",
    "levels.1": "fpn.fpn2",
}


def by_their_names(state):
    """The weights by the names that transformers has for them."""
    theirs = {}
    for name, value in state.items():
        for own, other in NAMES.items():
            name = name.replace(own, other)
        if "attn.qkv" in name:
            names = [name.replace("attn.qkv", f"attention.{each}_proj") for each in "qkv"]
            theirs.update(zip(names, value.chunk(3), strict=True))
        else:
            theirs[name] = value
    return theirs


@torch.no_grad()
def test_beits_pyramid_is_that_of_transformers(beit):
    config = BeitConfig(
        image_size=64, hidden_size=16, num_hidden_layers=6, num_attention_heads=2,
        intermediate_size=64, use_relative_position_bias=True, layer_scale_init_value=0.1,
        layer_norm_eps=1e-6, out_indices=[1, 2, 3, 4], use_auxiliary_head=False,
    )  # fmt: skip
    expected = BeitForSemanticSegmentation(config).eval()
    expected.decode_head = nn.Identity()
    expected.load_state_dict(by_their_names(beit.state_dict()))
    images = torch.randn(2, 3, 64, 64)
    after = expected.beit(for_beit(images), output_hidden_states=True).hidden_states
    blocks = [after[index][:, 1:].mT.reshape(2, 16, 4, 4) for index in (2, 3, 4, 6)]
    for own, other in zip(beit(images), expected.fpn(blocks), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)


def for_beit(images):
    """BEiT's pixels are from -1 to 1; those that encoders take have ImageNet's mean 0."""
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (IMAGENET_MEAN, IMAGENET_STD))
    return (images * std + mean - 0.5) / 0.5


@pytest.mark.filterwarnings("ignore::UserWarning")  # of timm's resampling
@pytest.mark.parametrize("size", [(64, 64), (32, 48), (96, 160), (64, 96)])
@torch.no_grad()
def test_beit_at_another_size_is_timms_own_made_for_it(beit, size):
    images = torch.randn(2, 3, *size)
    made = copy.deepcopy(beit)
    made.timm.net.model.set_input_size(size)
    for own, expected in zip(beit(images), made(images), strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-4, atol=1e-5)


def test_beits_biases_learn_at_every_size_and_keep_their_own(beit):
    before = {name: value.shape for name, value in beit.state_dict().items()}
    for size in ((64, 64), (96, 48)):
        beit.zero_grad()
        sum(each.square().mean() for each in beit(torch.randn(2, 3, *size))).backward()
        assert all(
            weights.grad.any()
            for name, weights in beit.named_parameters()
            if "relative_position_bias_table" in name
        )
    assert {name: value.shape for name, value in beit.state_dict().items()} == before
