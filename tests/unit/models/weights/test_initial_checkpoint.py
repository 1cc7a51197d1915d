import pytest

from tests.networks.initialised_networks import (
    CLASSES,
    fresh,
    refusal,
    same,
    started,
    trained,
    write,
)


@pytest.mark.parametrize("name", ["model.safetensors", "other.safetensors", "other.pth"])
def test_a_checkpoint_of_the_same_network_is_loaded_completely(tmp_path, name):
    state = trained(tmp_path / name)
    model, initial = started(init=f"checkpoint:{tmp_path / name}")
    assert same(model.state_dict(), state)
    assert "without" not in initial.text


def test_a_directory_with_a_trained_model_is_a_checkpoint(tmp_path):
    state = trained(tmp_path / "model.safetensors")
    assert same(started(init=f"checkpoint:{tmp_path}")[0].state_dict(), state)
    assert same(started(init_from=tmp_path)[0].state_dict(), state)


def test_init_from_wins_over_init_and_encoder_from(tmp_path):
    state = trained(tmp_path / "warm.safetensors")
    model, initial = started(
        init="pretrained",
        weights="none.pth",
        init_from=tmp_path / "warm.safetensors",
        encoder_from=tmp_path / "none.pth",
    )
    assert same(model.state_dict(), state)
    assert initial.text.startswith("checkpoint ")


HEADS = {
    "a convolution": {},
    "a transposed convolution": {"model": "simple_fcn", "encoder": None, "width": 8},
    "an auxiliary one too": {"model": "pspnet", "encoder": "test_resnet", "width": 8},
    "unet": {"model": "unet", "encoder": None, "width": 2},
}


@pytest.mark.parametrize("there", [2, 12])
@pytest.mark.parametrize("params", HEADS.values(), ids=HEADS)
def test_a_classifier_of_another_number_of_classes_is_fresh_and_the_rest_is_not(
    tmp_path, params, there
):
    state = trained(tmp_path / "model.safetensors", there, **params)
    model, initial = started(init=f"checkpoint:{tmp_path}", **params)
    expected = {
        name: each if "classifier." in name else state[name]
        for name, each in fresh(**params).state_dict().items()
    }
    assert same(model.state_dict(), expected)
    assert initial.text.endswith(f"), without its classifier: {there} classes there, 5 here")


OTHERS = {
    "width": (
        {"model": "unet", "encoder": None, "width": 2},
        {"model": "unet", "encoder": None, "width": 4},
        "encoder.levels.0.0.weight is [2, 3, 3, 3] there and [4, 3, 3, 3] here",
    ),
    "encoder": ({"encoder": "test_resnet"}, {}, "encoder.net.stem_0.weight is only here"),
    "no auxiliary head": (
        {"model": "pspnet", "encoder": "test_resnet", "width": 8},
        {"model": "pspnet", "encoder": "test_resnet", "width": 8, "aux_loss": False},
        "aux_classifier.bias is only there",
    ),
}


@pytest.mark.parametrize("classes", [CLASSES, 9])
@pytest.mark.parametrize(("there", "here", "difference"), OTHERS.values(), ids=OTHERS)
def test_a_checkpoint_of_another_network_is_refused_with_the_first_differences(
    tmp_path, there, here, difference, classes
):
    trained(tmp_path / "model.safetensors", classes, **there)
    message = refusal(init=f"checkpoint:{tmp_path}", **here)
    assert f"the checkpoint {tmp_path / 'model.safetensors'} is of another network: " in message
    assert difference in message
    assert "set model, encoder, width" in message


def test_a_classifier_of_another_kind_is_not_only_of_other_classes(tmp_path):
    state = trained(tmp_path / "model.safetensors", 9)
    state["classifier.weight"] = state["classifier.weight"].repeat(1, 1, 3, 3)
    write(state, tmp_path / "model.safetensors")
    assert "classifier.weight is [9, 64, 3, 3] there" in refusal(init=f"checkpoint:{tmp_path}")
