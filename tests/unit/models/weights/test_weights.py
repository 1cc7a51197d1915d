import contextlib
import errno
import hashlib
import io
import os
import random
import zipfile

import pytest
import safetensors.torch
import torch

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.models.networks.unet import UNet
from searchctl.trainer.weights.files import PICKLED, as_settings_error, load_weights, save_weights

ONES = torch.ones(100)


def test_weights_come_back_bit_for_bit_also_from_channels_last(tmp_path):
    model = UNet(3, width=2).to(memory_format=torch.channels_last)
    save_weights(model.state_dict(), tmp_path / "new" / "model.safetensors")
    loaded = load_weights(tmp_path / "new" / "model.safetensors").tensors
    assert loaded.keys() == model.state_dict().keys()
    assert all(torch.equal(loaded[name], value) for name, value in model.state_dict().items())


def test_a_write_that_fails_leaves_the_old_weights_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    save_weights({"w": torch.ones(3)}, path)

    def broken_disk(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken_disk)
    with pytest.raises(OSError, match=rf"Input/output error: '{path}'"):
        save_weights({"w": torch.zeros(3)}, path)
    assert load_weights(path).tensors["w"].tolist() == [1, 1, 1]
    assert list(tmp_path.iterdir()) == [path]


def test_the_sha256_is_the_files(tmp_path):
    save_weights({"w": torch.ones(3)}, tmp_path / "w.safetensors")
    content = (tmp_path / "w.safetensors").read_bytes()
    assert load_weights(tmp_path / "w.safetensors").sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("suffix", PICKLED)
def test_what_torch_has_saved_is_read_too(tmp_path, suffix):
    torch.save({"a.weight": torch.arange(3), "b": torch.ones(2, 2)}, tmp_path / f"w{suffix}")
    tensors = load_weights(tmp_path / f"w{suffix}").tensors
    assert {name: tensor.tolist() for name, tensor in tensors.items()} == {
        "a.weight": [0, 1, 2],
        "b": [[1, 1], [1, 1]],
    }


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


WHOLE = saved({"w": torch.arange(1000)})
UNREADABLE = {
    "missing.safetensors": None,
    "missing.pth": None,
    "no-directory/w.pth": None,
    "directory.pth": "a directory",
    "broken": b"not safetensors",
    "empty.safetensors": b"",
    "empty.pth": b"",
    "torch.safetensors": WHOLE,
    "safetensors.pth": safetensors.torch.save({"w": torch.ones(3)}),
    "text.pth": b"<html>404 Not Found</html>",
    "half.pth": WHOLE[: len(WHOLE) // 2],
    "harmful.pth": saved({"w": torch.ones(2), "args": Harmful()}),
    "tensor.pth": saved(torch.ones(3)),
    "number.pth": saved({"w": torch.ones(3), "epochs": 7}),
    "nothing.pth": saved({}),
    "nothing.safetensors": safetensors.torch.save({}),
}


@pytest.mark.parametrize(("name", "content"), UNREADABLE.items(), ids=UNREADABLE)
def test_a_file_that_is_no_state_dict_is_named(tmp_path, monkeypatch, name, content):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    if content == "a directory":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_weights(path)
    assert str(caught.value).startswith(f"cannot read weights from {path}: ")
    assert "weights_only" not in str(caught.value)
    assert not (tmp_path / "harm").exists()


def zipped(content):
    """Return a file of torch.save with zeros, compressed as torch.save never does."""
    packed, whole = io.BytesIO(), zipfile.ZipFile(io.BytesIO(content))
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as small:
        for entry in whole.infolist():
            small.writestr(entry.filename, whole.read(entry))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("w.pth", b"", "it is empty"),
        ("w.safetensors", b"", "it is empty"),
        ("w.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull"),
        ("w.safetensors", b"\n<!DOCTYPE html><p>404", "an HTML or XML page"),
        ("w.safetensors", b'{"error": "not found"}', "a JSON text"),
        ("w.pth", zipped(saved({"w": torch.zeros(2_000_000)})), "unpack to 8 MB"),
        ("w.pth", saved({"w": torch.zeros(1).expand(10**10)}), "'w' is an expanded view"),
    ],
)
def test_what_is_no_weights_or_takes_any_memory_is_named(tmp_path, name, content, what):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=what):
        load_weights(tmp_path / name)


def test_weights_that_were_compressed_later_are_read(tmp_path):
    (tmp_path / "w.pth").write_bytes(zipped(saved({"w": torch.rand(2_000_000)})))
    assert load_weights(tmp_path / "w.pth").tensors["w"].shape == (2_000_000,)


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_file_is_an_error_of_the_settings_or_still_a_state_dict(tmp_path, seed):
    draw = random.Random(seed)
    for name, whole in (("w.pth", WHOLE), ("w.safetensors", safetensors.torch.save({"w": ONES}))):
        for _ in range(20):
            content = bytearray(whole)
            for place in draw.choices(range(min(len(whole), 700)), k=4):
                content[place] = draw.randrange(256)
            (tmp_path / name).write_bytes(content)
            with contextlib.suppress(SettingsError):
                assert load_weights(tmp_path / name).tensors


def test_out_of_memory_is_not_reported_as_a_broken_file():
    with pytest.raises(RuntimeError, match="DefaultCPUAllocator"), as_settings_error("the file"):
        torch.empty(2**60)
