"""A trained network in other formats gives the logits of the network itself."""

import json

import numpy as np
import pytest
import torch
from upath import UPath

from searchctl.trainer.core import extras
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.export.exported import export_model
from searchctl.trainer.trained.loading import load_model
from tests.networks.model_files import BANDS, RGB, write_model
from tests.processes.in_process import searchctl

BRANCHING = """\
from torch import nn


class Branching(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, classes, 1)

    def forward(self, images):
        logits = self.layer(images)
        return -logits if float(logits.sum()) > 0 else logits
"""
POSITIONS = """\
import torch
from torch import nn


class Positions(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, classes, 1)
        self.position = nn.Parameter(torch.ones(1, classes, 24, 32))

    def forward(self, images):
        return self.layer(images) + self.position
"""
"""A network whose weights are for one size of images."""


@pytest.fixture
def exported(tmp_path):
    """Write a network with random weights, and export it to a file."""

    def export(name="model.onnx", images=RGB, **settings):
        write_model(tmp_path, images, **settings)
        model = load_model(tmp_path, device="cpu")
        return model, export_model(model, UPath(tmp_path / name))

    return export


@pytest.fixture
def own_network(tmp_path, monkeypatch):
    """Write a network of the user's own with random weights; return it, loaded."""
    monkeypatch.syspath_prepend(tmp_path)

    def load(name, text):
        (tmp_path / f"{name.partition(':')[0]}.py").write_text(text)
        write_model(tmp_path, model=name)
        return load_model(tmp_path, device="cpu", code=tmp_path)

    return load


def run_onnx(path, images):
    import onnxruntime

    return onnxruntime.InferenceSession(path).run(None, {"images": images})[0]


def test_a_network_of_convolutions_takes_images_of_any_size_as_onnx(exported, tmp_path):
    model, found = exported()
    assert found.sizes == "any"
    image = np.random.default_rng(0).integers(0, 256, (35, 51, 3), dtype=np.uint8)
    logits = run_onnx(tmp_path / "model.onnx", image.transpose(2, 0, 1)[None])
    pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
    with torch.no_grad():
        expected = model.precision.logits(model.network, pixels).numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_the_file_says_what_it_is(exported, tmp_path):
    import onnx

    model, _ = exported()
    entries = {each.key: each.value for each in onnx.load(tmp_path / "model.onnx").metadata_props}
    stored = json.loads(entries["searchctl"])
    assert stored["classes"]["names"] == list(model.class_names)
    assert stored["images"]["mean"] == [*RGB["mean"]]


def test_a_network_that_cannot_take_any_size_is_written_for_its_own(own_network, tmp_path):
    model = own_network("positions:Positions", POSITIONS)
    found = export_model(model, UPath(tmp_path / "model.onnx"))
    assert (found.sizes, found.size) == ("fixed", (24, 32))
    images = np.zeros((3, 3, 24, 32), dtype=np.uint8)
    assert run_onnx(tmp_path / "model.onnx", images).shape == (3, 3, 24, 32)


@pytest.mark.parametrize("name", ["model.onnx", "model.pt2"])
def test_a_network_that_branches_on_its_values_is_refused_with_the_reason(
    name, own_network, tmp_path
):
    model = own_network("branching:Branching", BRANCHING)
    with pytest.raises(SettingsError, match=r"'branching:Branching' cannot be written as \.\w+: "):
        export_model(model, UPath(tmp_path / name))
    assert not (tmp_path / name).exists()


def test_a_pt2_file_is_run_by_torch_alone(exported, tmp_path):
    exported("model.pt2", BANDS)
    extra = {"searchctl": ""}
    program = torch.export.load(tmp_path / "model.pt2", extra_files=extra)
    assert json.loads(extra["searchctl"])["images"]["bands"] == [0, 1, 2, 3]
    images = torch.full((1, 4, 24, 32), torch.nan)
    assert program.module()(images).isfinite().all()


def test_another_ending_and_a_missing_package_are_refused(exported, tmp_path, monkeypatch):
    with pytest.raises(SettingsError, match=r"as .onnx or .pt2, not as 'model.pb'"):
        exported("model.pb")
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"pip install 'searchctl\[onnx\]'"):
        exported("model.onnx")


def test_the_command_says_for_which_sizes_and_overwrites_nothing(tmp_path):
    write_model(tmp_path)
    words = ("export-model", tmp_path, "-o", "model.pt2", "--fixed-size")
    done = searchctl(*words, cwd=tmp_path)
    assert "wrote model.pt2, for images of 24x32 pixels only" in done.stdout, done.stderr
    again = searchctl(*words, cwd=tmp_path)
    assert again.returncode == 1
    assert "model.pt2 is there already" in again.stderr
