"""A sweep whose encoder is pretrained, on a machine without a network."""

import json
from contextlib import closing
from sqlite3 import connect

import pytest
import torch
from safetensors.torch import save_file

from searchctl.trainer.models.timm.library import timm

SWEEP = """\
name: small
data: {dataset: scenes, image_size: [32, 48], native_size: [64, 96], train: 16, val: 4, test: 4}
training: {model: simple_seg, encoder: test_convnext, init: pretrained, epochs: 1, batch_size: 4}
space: {lr: [0.1, 0.01]}
"""


@pytest.fixture
def launched(tmp_path, searchctl_process):
    def launch():
        (tmp_path / "sweep.yaml").write_text(SWEEP)
        offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
        return searchctl_process("launch", "sweep.yaml", "--inline", cwd=tmp_path, env=offline)

    return launch


@pytest.fixture
def downloaded(tmp_path):
    """Weights in the hub's cache, as a download leaves them."""
    repository = tmp_path / "hub" / "hub" / "models--timm--test_convnext.r160_in1k"
    snapshot = repository / "snapshots" / ("1" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("1" * 40)
    torch.manual_seed(0)
    save_file(timm.create_model("test_convnext").state_dict(), snapshot / "model.safetensors")


@pytest.mark.exhaustive
def test_weights_that_cannot_be_had_refuse_the_launch_and_say_where_they_go(launched, tmp_path):
    done = launched()
    assert done.returncode == 1
    assert "hf download timm/test_convnext.r160_in1k model.safetensors" in done.stderr
    assert "Traceback" not in done.stderr
    with closing(connect(tmp_path / "searchctl.db")) as database:
        assert database.execute("SELECT name FROM searchctl_sweeps").fetchall() == []


def test_a_download_becomes_the_sweep_s_own_copy(launched, downloaded, tmp_path, searchctl):
    done = launched()
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "runs" / "small" / "initial").glob("*.safetensors"))) == 1
    shown = searchctl("show", "small", "0", "--json", cwd=tmp_path)
    for job in json.loads(shown.stdout)["jobs"]:
        assert job["initial_weights"].startswith("pretrained test_convnext from ")
        assert "all 97 tensors of the encoder" in job["initial_weights"]
