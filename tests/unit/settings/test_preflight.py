import pytest

from searchctl.trainer.run.preflight import network_problems
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.training import TrainSettings

ONE_SIZE = {"model": "simple_seg", "encoder": "coatnet_nano_rw_224"}


def problems(*settings, size=(32, 48), **inference):
    validated = Inference.model_validate(inference)
    return network_problems([TrainSettings(**each) for each in settings], 11, size, validated)


def test_a_network_that_can_be_trained_is_no_problem():
    assert problems({"model": "simple_fcn"}, {"model": "unet", "finetune": "last_5"}) == []


@pytest.mark.parametrize(
    ("settings", "size", "problem"),
    [
        ({"model": "unet"}, (12, 90), "model unet: UNet needs images of at least"),
        ({"model": "unet", "finetune": "last_6"}, (32, 48), "this encoder has 5 stages"),
        ({"model": "upernet", "encoder": "convnext_tinny"}, (32, 48), "'convnext_tiny'"),
        (
            {"model": "upernet", "encoder": "vgg16", "drop_path": 0.1},
            (32, 48),
            "remove drop_path",
        ),
    ],
)
def test_a_network_that_cannot_be_trained_is_named_with_the_reason(settings, size, problem):
    (found,) = problems(settings, size=size)
    assert problem in found


def test_an_own_network_is_built_on_the_cpu_where_it_needs_values():
    assert problems({"model": "tests.own_parts.own_modules:NeedsValues"}, size=(16, 16)) == []


@pytest.mark.parametrize(
    "setting", [{"encoder_lr_scale": 0.1}, {"encoder_lr_decay": 0.9}, {"finetune": "decoder"}]
)
def test_parts_that_an_own_network_does_not_offer_are_refused_before_the_first_job(setting):
    (found,) = problems({"model": "tests.own_parts.own_modules:factory", **setting}, size=(16, 16))
    assert "offers no encoder, which finetune and encoder_lr_" in found


def test_networks_that_differ_in_their_training_alone_are_tried_once():
    bad = {"model": "unet", "finetune": "last_6"}
    assert len(problems({**bad, "lr": 0.1}, {**bad, "lr": 0.2}, {**bad, "width": 8})) == 2


@pytest.mark.parametrize(
    "inference",
    [{}, {"flip": True}, {"mode": "sliding_window", "scales": [0.5, 2]}],
    ids=["resized", "flip", "sliding"],
)
def test_a_network_for_images_of_one_size_predicts_stretched_ones_and_windows(inference):
    assert problems(ONE_SIZE, size=(224, 224), **inference) == []


@pytest.mark.parametrize(
    ("inference", "problem"),
    [
        ({"mode": "whole"}, "does not take images of every size, as inference.mode: whole needs"),
        ({"scales": [1, 0.5]}, "does not take images of 112x112 pixels, which scale 0.5"),
    ],
)
def test_a_network_for_images_of_one_size_is_refused_others(inference, problem):
    (found,) = problems(ONE_SIZE, {"model": "unet"}, size=(224, 224), **inference)
    assert problem in found
    assert "use mode: sliding_window" in found
    assert found.startswith("model simple_seg, encoder coatnet_nano_rw_224")


@pytest.mark.parametrize(
    "encoder", ["test_vit", "beit_base_patch16_224", "swin_tiny_patch4_window7_224"]
)
def test_networks_of_patches_and_of_local_attention_take_images_as_they_are(encoder):
    settings = {"model": "simple_seg", "encoder": encoder}
    assert problems(settings, size=(64, 64), mode="whole", scales=[0.1, 0.75, 1]) == []


def test_a_batch_of_one_is_refused_where_batch_normalisation_is_trained():
    plain = TrainSettings(model="unet", width=2, batch_norm=False, batch_size=1)
    normalised = TrainSettings(model="unet", width=2, batch_size=1)
    assert network_problems([plain], 3, (32, 32)) == []
    (problem,) = network_problems(
        [normalised.model_copy(update={"batch_size": 2}), normalised], 3, (32, 32)
    )
    assert "a training batch needs at least 2 images, not 1" in problem
