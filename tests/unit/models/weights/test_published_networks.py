"""Whole networks of other libraries as initial weights: their logits are computed here."""

from importlib import import_module

import pytest
import torch
from torch import nn
from upath import UPath

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.timm.library import torchvision
from searchctl.trainer.settings.training import TrainSettings
from searchctl.trainer.weights.initial import load_initial_weights
from searchctl.trainer.weights.published.download import published_file

smp = import_module("segmentation_models_pytorch")  # after our import of torchvision
from transformers import (  # noqa: E402
    ConvNextConfig,
    SegformerConfig,
    SegformerForSemanticSegmentation,
    UperNetConfig,
    UperNetForSemanticSegmentation,
)


def started(path, classes, **settings):
    """A network with the weights of a file, and the record of these."""
    settings = TrainSettings(init=f"checkpoint:{path}", **settings)
    model = build_model(settings, classes).eval()
    started = load_initial_weights(model, settings, classes, init_from=UPath(path))
    return model, started.text


def randomised(network):
    """Random statistics and scales too: fresh ones hide that they were exchanged."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    for name, parameter in network.named_parameters():
        if "layer_scale" in name or parameter.ndim == 1:
            nn.init.normal_(parameter, 0.5, 0.1)
    return network.eval()


@pytest.fixture(scope="module")
def deeplabv3(tmp_path_factory):
    """torchvision's network and the file that torch.save writes of it."""
    network = torchvision.models.segmentation.deeplabv3_resnet50(
        weights=None, weights_backbone=None, aux_loss=True, num_classes=21
    )
    path = tmp_path_factory.mktemp("torchvision") / "deeplabv3_resnet50_coco.pth"
    torch.save(randomised(network).state_dict(), path)
    return network, path


@torch.no_grad()
def test_logits_are_those_of_torchvisions_file(deeplabv3):
    theirs, path = deeplabv3
    ours, text = started(path, 21, model="deeplabv3", encoder="resnet50", aux_loss=True)
    images = torch.randn(2, 3, 57, 65)
    expected = theirs(images)
    logits, aux = ours.all_logits(images)
    assert torch.equal(logits, expected["out"])
    assert torch.equal(aux, expected["aux"])
    assert text.endswith(", torchvision's DeepLabV3")


def test_other_classes_drop_the_classifier_and_no_auxiliary_head_its_weights(deeplabv3):
    theirs, path = deeplabv3
    ours, text = started(path, 5, model="deeplabv3", encoder="resnet50", aux_loss=False)
    assert torch.equal(ours.encoder.net.conv1.weight, theirs.backbone.conv1.weight)
    assert "without its auxiliary head" in text
    assert "without its classifier: 21 classes there, 5 here" in text


def test_a_file_of_another_network_names_the_model_to_set(deeplabv3):
    _, path = deeplabv3
    with pytest.raises(SettingsError, match=r"holds torchvision's DeepLabV3.*set model: deeplabv3"):
        started(path, 21, model="unet")


def upernet():
    config = ConvNextConfig(
        hidden_sizes=[40, 80, 160, 320],
        depths=[2, 2, 6, 2],
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    return UperNetForSemanticSegmentation(
        UperNetConfig(backbone_config=config, hidden_size=16, auxiliary_channels=8, num_labels=7)
    )


@torch.no_grad()
def test_logits_are_those_of_transformers_upernet(tmp_path):
    theirs = randomised(upernet())
    theirs.save_pretrained(tmp_path)
    ours, text = started(tmp_path, 7, model="upernet", encoder="convnext_atto", width=16)
    images = torch.randn(2, 3, 64, 96)
    torch.testing.assert_close(ours(images), theirs(images).logits, rtol=1e-5, atol=1e-5)
    assert "transformers' UPerNet on ConvNeXt" in text


def as_mmsegmentation(tensors):
    """The state dict by the names of mmsegmentation, as transformers' conversion reads them."""
    names = (
        ("backbone.embeddings.patch_embeddings.", "backbone.downsample_layers.0.0."),
        ("backbone.embeddings.layernorm.", "backbone.downsample_layers.0.1."),
        *(
            (f"backbone.encoder.stages.{i}.downsampling_layer.", f"backbone.downsample_layers.{i}.")
            for i in range(4)
        ),
        *((f"backbone.encoder.stages.{i}.layers.", f"backbone.stages.{i}.") for i in range(4)),
        *((f"backbone.hidden_states_norms.stage{i + 1}.", f"backbone.norm{i}.") for i in range(4)),
        (".layer_scale_parameter", ".gamma"),
        (".dwconv.", ".depthwise_conv."),
        (".layernorm.", ".norm."),
        (".pwconv", ".pointwise_conv"),
        (".batch_norm.", ".bn."),
        ("_head.classifier.", "_head.conv_seg."),
    )
    renamed = {}
    for name, tensor in tensors.items():
        for theirs, other in names:
            name = name.replace(theirs, other)
        renamed[name] = tensor
    return renamed


@torch.no_grad()
def test_logits_are_those_of_mmsegmentations_upernet(tmp_path):
    theirs = randomised(upernet())
    torch.save({"state_dict": as_mmsegmentation(theirs.state_dict())}, tmp_path / "upernet.pth")
    ours, text = started(
        tmp_path / "upernet.pth", 7, model="upernet", encoder="convnext_atto", width=16
    )
    images = torch.randn(2, 3, 64, 96)
    torch.testing.assert_close(ours(images), theirs(images).logits, rtol=1e-5, atol=1e-5)
    assert "mmsegmentation's UPerNet on ConvNeXt" in text


@torch.no_grad()
def test_logits_are_those_of_transformers_segformer(tmp_path):
    theirs = randomised(SegformerForSemanticSegmentation(SegformerConfig(num_labels=19)))
    theirs.save_pretrained(tmp_path)
    ours, text = started(tmp_path, 19, model="segformer", encoder="mit_b0")
    images = torch.randn(2, 3, 96, 128)
    logits = ours.classifier(ours.decoder(ours.encoder(images)))
    torch.testing.assert_close(logits, theirs(images).logits, rtol=1e-4, atol=1e-4)
    assert "transformers' SegFormer" in text


@torch.no_grad()
def test_logits_are_those_of_a_saved_network_of_smp(tmp_path):
    theirs = randomised(smp.FPN("tu-test_resnet", encoder_weights=None, classes=5))
    theirs.save_pretrained(tmp_path)
    ours, text = started(tmp_path, 5, model="smp:fpn/tu-test_resnet")
    images = torch.randn(2, 3, 64, 96)
    assert torch.equal(ours(images), theirs(images))
    assert "segmentation-models-pytorch" in text


def test_a_tensor_that_is_not_ours_is_named(tmp_path, deeplabv3):
    theirs, _ = deeplabv3
    torch.save({**theirs.state_dict(), "backbone.extra": torch.ones(1)}, tmp_path / "more.pth")
    with pytest.raises(SettingsError, match=r"encoder\.net\.extra is only there"):
        started(tmp_path / "more.pth", 21, model="deeplabv3", encoder="resnet50", aux_loss=True)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The cache of the Hugging Face hub with one network, as a download leaves it; no network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    repository = tmp_path / "models--someone--net"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").write_bytes(b"weights")
    return snapshot


def test_a_network_of_the_hub_is_found_in_its_cache(hub):
    assert published_file("hf:someone/net") == UPath(hub / "model.safetensors")


def test_without_a_network_the_message_names_the_command_of_the_download(hub):
    with pytest.raises(SettingsError, match=r"hf download some/other model\.safetensors"):
        published_file("hf:some/other")


def test_a_file_of_torchvision_with_another_hash_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    file = tmp_path / "hub" / "checkpoints" / "deeplabv3_resnet50_coco-cd0a2569.pth"
    file.write_bytes(b"half of it")
    with pytest.raises(SettingsError, match=r"is damaged: its SHA-256 begins with \w{8}, not cd0a"):
        published_file("torchvision:deeplabv3_resnet50")


def test_networks_of_torchvision_that_are_not_ours_are_refused_by_name():
    with pytest.raises(SettingsError, match="known are deeplabv3_resnet50, deeplabv3_resnet101"):
        published_file("torchvision:lraspp_mobilenet_v3_large")
