import pytest
import torch

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.networks.segformer import SegFormer
from searchctl.trainer.models.timm.encoder import TimmEncoder

from transformers import SegformerConfig, SegformerForSemanticSegmentation  # isort: skip

# table 6 of the paper
SIZES = {
    "mit_b0": ([2, 2, 2, 2], [32, 64, 160, 256], 256),
    "mit_b1": ([2, 2, 2, 2], [64, 128, 320, 512], 256),
    "mit_b2": ([3, 4, 6, 3], [64, 128, 320, 512], 768),
    "mit_b3": ([3, 4, 18, 3], [64, 128, 320, 512], 768),
}


def theirs(depths, hidden_sizes, width):
    """The network of the transformers library, whose defaults are mit_b0."""
    config = SegformerConfig(
        depths=depths, hidden_sizes=hidden_sizes, decoder_hidden_size=width, num_labels=19
    )
    return SegformerForSemanticSegmentation(config)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_are_those_of_the_published_network():
    with torch.device("meta"):
        model = SegFormer(19)
    parts = [model.encoder, model.decoder, model.classifier]
    assert [count(part) for part in parts] == [3_319_392, 394_752, 4_883]
    assert count(model) == 3_719_027


@pytest.mark.parametrize("encoder", SIZES)
def test_sizes_have_as_many_parameters_as_those_of_transformers(encoder):
    with torch.device("meta"):
        assert count(SegFormer(19, encoder=encoder)) == count(theirs(*SIZES[encoder]))


def test_pvt_v2_is_larger_by_its_first_two_stages():
    with torch.device("meta"):
        assert count(SegFormer(19, encoder="pvt_v2_b0")) == 3_809_395


def copied(state):
    """Yield the weights of transformers' network in searchctl's order: keys and values as one."""
    for name, value in state.items():
        if ".k_proj." in name:
            value = torch.cat([value, state[name.replace("k_proj", "v_proj")]])
        if ".v_proj." not in name:
            yield value


@torch.no_grad()
def test_logits_are_those_of_transformers():
    torch.manual_seed(0)
    expected, model = theirs(*SIZES["mit_b0"]).eval(), SegFormer(19).eval()
    pairs = zip(model.state_dict().values(), copied(expected.state_dict()), strict=True)
    for own, other in pairs:
        own.copy_(other.view(own.shape))
    images = torch.randn(2, 3, 96, 128)
    logits = model.classifier(model.decoder(model.encoder(images)))
    torch.testing.assert_close(logits, expected(images).logits, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("encoder", ["test_vit", "test_resnet", "pvt_v2_b0"])
@torch.no_grad()
def test_other_encoders_and_odd_sizes_work(encoder):
    model = SegFormer(5, encoder=encoder, width=8)
    assert model(torch.randn(2, 3, 97, 131)).shape == (2, 5, 97, 131)


def test_too_small_images_name_the_smallest():
    with pytest.raises(SettingsError, match="SegFormer needs images of at least 32x32"):
        SegFormer(5, width=8)(torch.randn(2, 3, 31, 64))


def test_paths_are_dropped_only_if_requested():
    images = torch.randn(2, 3, 64, 64)
    for drop_path, same in ((0.0, True), (0.5, False)):
        encoder = SegFormer(5, width=8, drop_path=drop_path).encoder.train()
        assert torch.equal(encoder(images)[-1], encoder(images)[-1]) is same


def test_timms_network_can_be_found_for_its_weights():
    (encoder,) = (m for m in SegFormer(5, width=8).modules() if isinstance(m, TimmEncoder))
    assert encoder.name == "pvt_v2_b0"


def test_an_unknown_encoder_is_refused_with_the_nearest_names():
    with pytest.raises(SettingsError, match="unknown encoder 'pvt_v2_b9': did you mean"):
        SegFormer(5, encoder="pvt_v2_b9")
