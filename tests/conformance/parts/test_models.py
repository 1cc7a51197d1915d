"""Predictions of every model of the catalog. A new one needs its line in `TINY`."""

import pytest
import torch
import torch.nn.functional as F

from searchctl.trainer.checks.networks import NETWORK_CHECKS, NetworkCase
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.build import build_model
from searchctl.trainer.settings.catalog import MODELS
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.weights.files import load_weights, save_weights
from tests.networks.tiny_models import CLASSES, TINY, VARIANTS, has_aux, tiny


@pytest.fixture(params=VARIANTS)
def make(request):
    """Build a small one of each model from fixed weights; `make.name` is its variant."""

    def build(classes=CLASSES, **settings):
        return tiny(request.param, classes, **settings)

    build.name = request.param
    return build


def images_of(*size, batch=2):
    return torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(0))


def test_every_model_of_the_catalog_is_tested():
    assert list(TINY) == list(MODELS)


@pytest.mark.parametrize("title", [title for title in NETWORK_CHECKS if "by heart" not in title])
def test_ours_pass_the_checks_of_users_networks(make, title):
    NETWORK_CHECKS[title].run(case_of(make))


@pytest.mark.exhaustive
def test_ours_learn_four_images_by_heart(make):
    NETWORK_CHECKS["four images are learned by heart"].run(case_of(make))


def case_of(make):
    def build(dropout):
        return build_model(TrainSettings(**{**VARIANTS[make.name], "dropout": dropout}), CLASSES)

    return NetworkCase(build, CLASSES, 3, (64, 64))


@pytest.mark.parametrize(
    ("size", "training"),
    [((97, 131), True), ((97, 131), False), ((64, 64), True), ((64, 64), False)],
)
@torch.no_grad()
def test_logits_have_the_size_of_the_images(make, size, training):
    logits = make().train(training)(images_of(*size))
    assert logits.shape == (2, CLASSES, *size)
    assert logits.isfinite().all()


@torch.no_grad()
def test_a_single_image_of_camvids_size_can_be_evaluated(make):
    assert make().eval()(images_of(360, 480, batch=1)).shape == (1, CLASSES, 360, 480)


@torch.no_grad()
def test_padding_to_a_multiple_does_not_shift_the_image(make):
    model, images = make().eval(), images_of(65, 97)
    height, width = (side + -side % model.multiple for side in (65, 97))
    padded = model(F.pad(images, (0, width - 97, 0, height - 65)))
    assert torch.equal(model(images), padded[..., :65, :97])


@torch.no_grad()
def test_auxiliary_logits_have_the_size_of_the_images_too(make):
    logits = make().train().all_logits(images_of(45, 67))
    assert [each.shape for each in logits] == [(2, CLASSES, 45, 67)] * (1 + has_aux(make.name))


@pytest.mark.parametrize("training", [True, False])
def test_smallest_size_works_and_one_pixel_less_names_it(make, training):
    model = make().train(training)
    side = model.smallest
    assert model(images_of(side, side)).shape == (2, CLASSES, side, side)
    for size in ((side - 1, side), (side, side - 1)):
        with pytest.raises(SettingsError, match=f"at least {side}x{side} pixels"):
            model(images_of(*size))


def test_a_training_batch_of_one_image_is_refused_where_batches_are_normalised(make):
    model, image = make().train(), images_of(64, 64, batch=1)
    if not any(isinstance(module, torch.nn.BatchNorm2d) for module in model.modules()):
        assert model(image).shape == (1, CLASSES, 64, 64)
        return
    with pytest.raises(SettingsError, match="a training batch needs at least 2 images, not 1"):
        model(image)
    assert model.eval()(image).shape == (1, CLASSES, 64, 64)


def test_every_weight_is_in_one_of_the_parts(make):
    parts = {"encoder", "decoder", "classifier"}
    auxiliary = {"aux_decoder", "aux_classifier"} if has_aux(make.name) else set()
    model = make()
    assert {name for name, _ in model.named_children()} == parts | auxiliary
    assert all("." in name for name in model.state_dict())


def test_parameters_are_counted_without_memory(make):
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in make().named_parameters()}
    assert shapes == {name: value.shape for name, value in make().named_parameters()}


@pytest.mark.parametrize("changed", [{"classes": 3}, {"dropout": 0.5}])
def test_first_weights_of_the_encoder_depend_on_no_other_part(make, changed):
    first, second = make().encoder.state_dict(), make(**changed).encoder.state_dict()
    assert_equal(first, second)


@torch.no_grad()
def test_weights_from_a_file_give_the_same_logits(make, tmp_path):
    model, copy, images = make().eval(), make(seed=1).eval(), images_of(64, 64)
    save_weights(model.state_dict(), tmp_path / "model.safetensors")
    copy.load_state_dict(load_weights(tmp_path / "model.safetensors").tensors)
    assert torch.equal(copy(images), model(images))


def assert_equal(first, second):
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
