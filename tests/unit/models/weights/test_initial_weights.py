import logging
import pickle

import pytest
import torch
from upath import UPath

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.weights.files import load_weights, save_weights
from searchctl.trainer.weights.initial import load_initial_weights
from searchctl.trainer.weights.pretrained_files import pretrained_file
from tests.networks.initialised_networks import (
    CLASSES,
    ENCODERS,
    fresh,
    part,
    perturbed,
    published,
    refusal,
    same,
    settings,
    started,
    trained,
    write,
)
from tests.networks.tiny_models import VARIANTS


@pytest.mark.parametrize("variant", [name for name in VARIANTS if "encoder" in VARIANTS[name]])
def test_every_network_with_an_encoder_of_timm_starts_pretrained(tmp_path, variant):
    params = VARIANTS[variant]
    path = write(published(params["encoder"]), tmp_path / "encoder.safetensors")
    model, initial = started(init="pretrained", encoder_from=path, **params)
    before = fresh(**params)
    assert f" from {path}: all " in initial.text
    assert not same(part(model, "encoder"), part(before, "encoder"))
    assert same(part(model, "classifier"), part(before, "classifier"))


LAYOUTS = {
    "timm's names": lambda state: state,
    "under state_dict": lambda state: {"state_dict": state, "epoch": 90},
    "under model": lambda state: {"model": state, "optimizer": {"lr": 0.1}},
    "of a parallel network": lambda state: {f"module.{name}": state[name] for name in state},
    "of a compiled network": lambda state: {f"_orig_mod.{name}": state[name] for name in state},
}


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_published_file_fills_the_whole_encoder_and_nothing_else(tmp_path, encoder, suffix):
    path = write(published(encoder), tmp_path / f"any{suffix}")
    theirs = timm.create_model(
        encoder,
        pretrained=True,
        features_only=True,
        out_indices=(-4, -3, -2, -1),
        pretrained_cfg_overlay={"file": str(path)},
    )
    model, _ = started(encoder=encoder, init="pretrained", weights=str(path))
    assert same(model.encoder.net.state_dict(), theirs.state_dict())
    assert same(part(model, "classifier"), part(fresh(encoder=encoder), "classifier"))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_what_training_scripts_wrap_a_state_dict_in_is_taken_off(tmp_path, layout):
    state = published()
    plain = write(state, tmp_path / "plain.safetensors")
    wrapped = write(layout(state), tmp_path / "wrapped.pth")
    nets = [started(init="pretrained", encoder_from=path)[0].encoder for path in (plain, wrapped)]
    assert same(*(net.state_dict() for net in nets))
    assert not same(nets[0].state_dict(), fresh().encoder.state_dict())


def test_the_encoder_of_another_network_of_ours_is_taken_out_of_its_file(tmp_path):
    path = tmp_path / "model.safetensors"
    state = trained(path, classes=2, model="upernet", width=8)
    model, _ = started(init="pretrained", encoder_from=path, model="simple_seg")
    ours = part(model, "encoder.net")
    assert same(ours, {name: state[f"encoder.timm.net.{name}"] for name in ours})


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_file_may_have_the_names_of_the_features_alone(tmp_path, encoder):
    state = perturbed(part(fresh(encoder=encoder).encoder, "net"))
    path = write(state, tmp_path / "features.safetensors")
    model, _ = started(encoder=encoder, init="pretrained", weights=str(path))
    assert same(part(model.encoder, "net"), state)


@pytest.mark.parametrize("init", ["scratch", "pretrained", "checkpoint"])
def test_what_is_drawn_next_is_the_same_after_all_initial_weights(tmp_path, init):
    fresh()
    expected = torch.rand(4)
    if init == "pretrained":
        started(init=init, encoder_from=write(published(), tmp_path / "encoder.pth"))
    else:
        path = write(fresh(7).state_dict(), tmp_path / "model.safetensors")
        started(init=f"checkpoint:{path}" if init == "checkpoint" else init)
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("name", ["test_convnext", "test_convnext.r160_in1k"])
@pytest.mark.parametrize("encoder", ["test_convnext", "test_convnext.r160_in1k"])
def test_a_directory_has_a_file_named_after_the_encoder(tmp_path, encoder, name, suffix):
    write(published("test_resnet"), tmp_path / "test_resnet.pth")
    path = write(published(), tmp_path / f"{name}{suffix}")
    _, initial = started(encoder=encoder, init="pretrained", weights=str(tmp_path))
    assert str(path) in initial.text


def test_encoder_from_wins_over_weights(tmp_path):
    path = write(published(), tmp_path / "given.pth")
    _, initial = started(init="pretrained", weights=str(tmp_path / "none.pth"), encoder_from=path)
    assert str(path) in initial.text


def test_integers_may_be_missing(tmp_path):
    floats = {name: each for name, each in published("test_resnet").items() if each.ndim}
    path = write(floats, tmp_path / "old.pth")  # from before BatchNorm counted its batches
    model, _ = started(encoder="test_resnet", init="pretrained", encoder_from=path)
    assert torch.equal(model.encoder.net.layer1[0].bn1.weight, floats["layer1.0.bn1.weight"])


def without(prefix, encoder="test_convnext"):
    return {name: each for name, each in published(encoder).items() if not name.startswith(prefix)}


UNFIT = {
    "another network": (
        lambda: published("test_resnet"),
        "97 of the encoder's 97 tensors are missing (stem_0.weight, stem_0.bias, stem_1.weight and "
        "94 more); the file has ",
    ),
    "a stage is missing": (
        lambda: without("stages.3"),
        "22 of the encoder's 97 tensors are missing (stages_3.downsample.0.weight, ",
    ),
    "one tensor is missing": (
        lambda: without("stages.1.blocks.0.gamma"),
        "1 of the encoder's 97 tensors are missing (stages_1.blocks.0.gamma)",
    ),
    "a larger network": (lambda: published("test_convnext2"), "size mismatch for stem.0.weight"),
    "only the head": (lambda: {"head.fc.weight": torch.ones(1000, 64)}, "97 of the encoder's 97"),
}


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize(("state", "message"), UNFIT.values(), ids=UNFIT)
def test_a_file_that_does_not_fill_the_encoder_is_refused_with_what_is_missing(
    tmp_path, state, message, suffix
):
    path = write(state(), tmp_path / f"unfit{suffix}")
    message = refusal(init="pretrained", weights=str(path))
    assert f"{path} does not match the encoder test_convnext: " in message
    assert message in message
    assert len(message) < 1000


def test_an_encoder_with_the_same_names_as_in_the_files_is_checked_too(tmp_path):
    path = write(without("layer4", "test_resnet"), tmp_path / "unfit.pth")
    message = refusal(encoder="test_resnet", init="pretrained", weights=str(path))
    assert "15 of the encoder's 75 tensors are missing (layer4.0." in message


def test_a_refused_file_changes_nothing(tmp_path):
    model, path = fresh(), write(without("stages.3"), tmp_path / "unfit.pth")
    with pytest.raises(SettingsError):
        load_initial_weights(model, settings(init="pretrained"), CLASSES, encoder_from=path)
    assert same(model.state_dict(), fresh().state_dict())


@pytest.mark.parametrize("init", ["pretrained", "checkpoint"])
def test_a_missing_file_is_named(tmp_path, init):
    path = tmp_path / "none.safetensors"
    where = {"weights": str(path)} if init == "pretrained" else {}
    message = refusal(init=init if where else f"checkpoint:{path}", **where)
    assert message.startswith(f"cannot read weights from {path}")


def test_a_directory_without_the_encoders_file_says_what_it_looked_for(tmp_path):
    write(published("test_resnet"), tmp_path / "test_resnet.pth")
    message = refusal(init="pretrained", weights=str(tmp_path))
    what = "has no test_convnext.safetensors, nor the encoder as .pth, .pt or .bin"
    assert message == f"weights: {tmp_path} {what}"


def test_a_file_of_another_kind_says_which_are_taken(tmp_path):
    path = write(published(), tmp_path / "encoder.ckpt")
    message = refusal(init="pretrained", weights=str(path))
    assert f"{path} is not a .safetensors, .pth, .pt or .bin file, nor a directory" in message


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
@pytest.mark.parametrize("encoder", ["test_convnext", "test_resnet"])
def test_weights_that_are_not_finite_are_refused(tmp_path, encoder, number):
    state = published(encoder)
    first, second, *_ = (name for name in state if name.endswith("conv1.weight") or "dw" in name)
    state[first].view(-1)[0] = state[second].view(-1)[-1] = number
    path = write(state, tmp_path / "broken.safetensors")
    message = refusal(encoder=encoder, init="pretrained", weights=str(path))
    names = ", ".join(each.replace("stages.", "stages_") for each in (first, second))
    assert message.endswith(f": 2 of its tensors have NaN or infinite values ({names})")


def test_timm_is_silent_about_tensors_that_are_not_the_encoders_and_only_then(tmp_path, caplog):
    path = write({**published(), "other": torch.ones(1)}, tmp_path / "encoder.safetensors")
    started(init="pretrained", weights=str(path))
    assert [each for each in caplog.records if each.name.startswith("timm")] == []
    logging.getLogger("timm.models").warning("of something else")
    assert "of something else" in caplog.messages


def test_a_pickle_that_is_no_weights_is_refused_without_a_warning_of_torch(tmp_path):
    (tmp_path / "other.pth").write_bytes(pickle.dumps({"lr": 0.1}, protocol=4))
    with pytest.raises(SettingsError, match="it is damaged, or has objects other than tensors"):
        load_weights(UPath(tmp_path / "other.pth"))


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ("mit_b1", "of the encoder mit_b1: use one that has them, such as pvt_v2_b1, init:"),
        ("efficientnet_b6", "use one that has them, such as tf_efficientnet_b5.in1k or"),
        ("gcvit_base", "download https://github.com/"),
    ],
)
def test_an_encoder_without_weights_on_the_hub_is_refused_before_any_download(encoder, message):
    with pytest.raises(SettingsError) as caught:
        pretrained_file(encoder, None)
    assert message in str(caught.value)


def test_segformers_own_encoder_has_its_own_name(tmp_path):
    segformer = {"model": "segformer", "encoder": None, "init": "pretrained"}
    assert "one that has them, such as pvt_v2_b0, init: scratch" in refusal(**segformer)
    state = perturbed(part(fresh(**segformer).encoder.timm, "net"))
    path = write(state, tmp_path / "mit_b0.safetensors")
    model, initial = started(**segformer, weights=str(tmp_path))
    assert same(part(model.encoder.timm, "net"), state)
    assert initial.text.startswith(f"pretrained mit_b0 from {path}: all 176 tensors")


def test_there_are_no_pretrained_weights_for_a_network_without_an_encoder_of_timm():
    assert "no weights for unet" in refusal(model="unet", encoder=None, init="pretrained")


def test_the_initial_weights_of_a_job_are_logged_in_a_sentence(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="searchctl.trainer")
    encoder = write(published(), tmp_path / "encoder.safetensors")
    trained(tmp_path / "model.safetensors")
    hashes = [load_weights(path).sha256[:12] for path in (encoder, tmp_path / "model.safetensors")]
    texts = [
        started()[1].text,
        started(init="pretrained", weights=str(encoder))[1].text,
        started(init=f"checkpoint:{tmp_path}")[1].text,
    ]
    assert texts == [
        "scratch",
        f"pretrained test_convnext from {encoder}: all 97 tensors of the encoder "
        f"(sha256 {hashes[0]})",
        f"checkpoint {tmp_path / 'model.safetensors'} (sha256 {hashes[1]})",
    ]
    assert all(f"initial weights: {text}" in caplog.messages for text in texts)


def test_weights_are_read_from_an_object_store_too():
    path = UPath("memory://weights/test_convnext.safetensors")
    save_weights(published(), path)
    by_name, _ = started(init="pretrained", weights="memory://weights")
    by_file, _ = started(init="pretrained", weights=str(path))
    assert same(by_name.state_dict(), by_file.state_dict())
    assert "test_resnet" in refusal(
        encoder="test_resnet", init="pretrained", weights="memory://weights"
    )
