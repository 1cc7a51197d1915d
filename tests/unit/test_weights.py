import os

import pytest
import torch

from trainer.errors import SettingsError
from trainer.models.unet import UNet
from trainer.weights import load_weights, save_weights


def test_weights_come_back_bit_for_bit_also_from_channels_last(tmp_path):
    model = UNet(3, width=2).to(memory_format=torch.channels_last)
    save_weights(model.state_dict(), tmp_path / "new" / "model.safetensors")
    loaded = load_weights(tmp_path / "new" / "model.safetensors").tensors
    assert loaded.keys() == model.state_dict().keys()
    assert all(torch.equal(loaded[name], value) for name, value in model.state_dict().items())


def test_a_write_that_fails_leaves_the_old_weights_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    save_weights({"w": torch.ones(3)}, path)

    def full_disk(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_weights({"w": torch.zeros(3)}, path)
    assert load_weights(path).tensors["w"].tolist() == [1, 1, 1]
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_or_broken_file_is_named(tmp_path):
    for name, content in (("missing", None), ("broken", b"not safetensors")):
        path = tmp_path / name
        if content:
            path.write_bytes(content)
        with pytest.raises(SettingsError, match=name):
            load_weights(path)
