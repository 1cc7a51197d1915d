"""Initial weights of jobs: from files, from a hub, after a kill and a resume."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from PIL import Image

from searchctl.trainer import Sample, TrainSettings
from searchctl.trainer.data.settings import FolderData, ScenesData
from searchctl.trainer.models.timm.library import timm
from searchctl.trainer.weights.files import load_weights, save_weights
from tests.jobs.small_jobs import run_small

ENCODER = "test_convnext"
SETTINGS = TrainSettings(
    model="simple_seg", encoder=ENCODER, drop_path=0.1, epochs=4, batch_size=4, lr=1e-3, threads=1
)
SIZE = (32, 48)
SCENES = ScenesData(dataset="scenes", image_size=SIZE, train=8, val=4, test=2)

JOB = """
import json, os, signal, sys
from pathlib import Path
from searchctl.trainer import Sample, TrainSettings, TrialJob, run_job
from searchctl.trainer.data.settings import ScenesData
from tests.jobs.checkpoints import when_written

request = json.loads(sys.argv[1])

def kill_after_epoch(record):
    if record.epoch == request.get("killed_after"):
        os.kill(os.getpid(), signal.SIGKILL)

job = TrialJob(
    params=request["params"],
    settings=TrainSettings.model_validate(request["settings"]),
    sample=Sample(ScenesData.model_validate(request["data"]), images=8, seed=7),
    out=Path(request["out"]),
    device="cpu",
    checkpoint_every_s=0,
)
result = run_job(job, on_epoch=when_written(job.out, kill_after_epoch))
print(json.dumps([result.status, result.initial_weights, result.error or ""]))
"""


@pytest.fixture
def run(tmp_path):
    """Run a small job with some params in this process."""

    def job(params=None, *, out="out", resume_from=(), data=SCENES, **arguments):
        return run_small(
            SETTINGS,
            Sample(data, images=8, seed=7),
            params=params or {},
            out=tmp_path / out,
            resume_from=[tmp_path / folder for folder in resume_from],
            **arguments,
        )

    return job


@pytest.fixture
def elsewhere(tmp_path):
    """Run such a job in a process of its own, which may be killed, in another environment."""

    def job(params, *, out="elsewhere", killed_after=None, **environment):
        request = {
            "params": params,
            "settings": SETTINGS.model_dump(mode="json", by_alias=True),
            "data": SCENES.model_dump(mode="json"),
            "out": str(tmp_path / out),
            "killed_after": killed_after,
        }
        home = {"HF_HOME": str(tmp_path / "hub"), "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(
            [sys.executable, "-c", JOB, json.dumps(request)],
            env={**os.environ, **home, **environment},
            stdout=subprocess.PIPE,
            check=False,
            timeout=120,
        )
        return done.returncode if killed_after else json.loads(done.stdout.splitlines()[-1])

    return job


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A file as timm publishes it, of numbers that are in no fresh network."""
    torch.manual_seed(11)
    state = timm.create_model(ENCODER).state_dict()
    path = tmp_path_factory.mktemp("published") / "model.safetensors"
    save_weights({name: each + 0.1 * torch.rand_like(each) for name, each in state.items()}, path)
    return path


@pytest.fixture(scope="session")
def two_classes(tmp_path_factory):
    """A data set of other classes than the scenes': dark or bright."""
    root, draw = tmp_path_factory.mktemp("two_classes"), np.random.default_rng(5)
    for split, count in (("train", 8), ("val", 2)):
        for kind in ("images", "masks"):
            (root / split / kind).mkdir(parents=True)
        for number in range(count):
            mask = (draw.random((4, 6)) > 0.5).astype(np.uint8).repeat(8, axis=0).repeat(8, axis=1)
            pixels = (60 + 120 * mask[..., None] + draw.integers(0, 40, (*SIZE, 3))).astype("uint8")
            Image.fromarray(pixels).save(root / split / "images" / f"{number}.png")
            Image.fromarray(mask).save(root / split / "masks" / f"{number}.png")
    return FolderData(dataset="folder", root=root, image_size=SIZE, classes=("dark", "bright"))


def outcome(result):
    """Everything but the clock, the attempt and the file's name."""
    epochs = [replace(epoch, seconds=0.0) for epoch in result.epochs]
    weights = hashlib.sha256(result.weights.read_bytes()).hexdigest()
    return result.status, result.score, weights, epochs, result.evaluations, result.initial_weights


def test_a_job_reports_its_initial_weights_which_change_its_result(run, published, tmp_path):
    results = [run(), run({"init": "pretrained", "weights": str(published)}, keep_weights=True)]
    results.append(run({"init": f"checkpoint:{tmp_path / 'out'}"}, out="on"))
    sha256 = hashlib.sha256(published.read_bytes()).hexdigest()
    ours = load_weights(results[1].weights).sha256
    assert [result.initial_weights for result in results] == [
        "scratch",
        f"pretrained {ENCODER} from {published}: all 97 tensors of the encoder "
        f"(sha256 {sha256[:12]})",
        f"checkpoint {tmp_path / 'out' / 'model.safetensors'} (sha256 {ours[:12]})",
    ]
    first_losses = [result.epochs[0].train_loss for result in results]
    assert len(set(first_losses)) == 3
    assert first_losses[2] < first_losses[1]


def test_a_training_on_other_classes_is_gone_on_from_with_a_fresh_classifier(
    run, two_classes, tmp_path
):
    below = run({"epochs": 8}, data=two_classes, keep_weights=True, out="two")
    result = run({"init": f"checkpoint:{tmp_path / 'two'}", "lr": 1e-12}, keep_weights=True)
    assert result.initial_weights.endswith(", without its classifier: 2 classes there, 11 here")
    fresh = run({"lr": 1e-12}, keep_weights=True, out="fresh")
    kept, before, at_first = (load_weights(each.weights).tensors for each in (result, below, fresh))
    for name in kept:
        torch.testing.assert_close(kept[name], (at_first if "classifier" in name else before)[name])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"init": "pretrained", "weights": "no/such.pth"}, "cannot read weights from no/such.pth"),
        ({"init": "checkpoint:no/such"}, "cannot read weights from no/such/model.safetensors"),
    ],
)
def test_weights_that_are_not_there_are_the_configurations_fault(run, params, message):
    result = run(params)
    assert (result.status, result.initial_weights) == ("failed", "")
    assert message in result.error


@pytest.mark.parametrize("init", ["pretrained", "checkpoint"])
def test_a_moved_file_is_the_same_job_and_another_file_is_another(run, published, tmp_path, init):
    file = published
    if init == "checkpoint":
        file = run(keep_weights=True, out="below").weights
    moved, other = tmp_path / "moved.safetensors", tmp_path / "other.safetensors"
    shutil.copy(file, moved)
    save_weights({name: each * 2 for name, each in load_weights(file).tensors.items()}, other)

    def params(path):
        named = {"init": "pretrained", "weights": str(path)}
        return named if init == "pretrained" else {"init": f"checkpoint:{path}"}

    run(params(file), out="first")
    assert run(params(moved), resume_from=["first"]).first_epoch == 5
    given = {"encoder_from" if init == "pretrained" else "init_from": moved}
    assert run(params("gone.pth"), resume_from=["first"], **given).first_epoch == 5
    assert run(params(other), resume_from=["first"]).first_epoch == 1
    assert run(resume_from=["first"]).first_epoch == 1


@pytest.mark.parametrize(
    "init", [pytest.param("pretrained", marks=pytest.mark.exhaustive), "checkpoint"]
)
def test_a_killed_job_ends_with_the_same_numbers_to_the_last_bit(
    run, elsewhere, two_classes, published, tmp_path, init
):
    params = {"init": "pretrained", "weights": str(published)}
    if init == "checkpoint":
        run(data=two_classes, keep_weights=True, out="two")
        params = {"init": f"checkpoint:{tmp_path / 'two'}"}
    assert elsewhere(params, out="killed", killed_after=2) == -signal.SIGKILL
    resumed = run(params, resume_from=["killed"], keep_weights=True, out="resumed")
    whole = run(params, keep_weights=True, out="whole")
    assert (resumed.first_epoch, whole.first_epoch) == (3, 1)
    assert outcome(resumed) == outcome(whole)


def test_without_a_network_a_local_file_is_enough(elsewhere, published):
    params = {"init": "pretrained", "weights": str(published)}
    status, began_with, _ = elsewhere(params, HF_HUB_OFFLINE="1")
    assert (status, began_with[:10]) == ("complete", "pretrained")


class Hub(BaseHTTPRequestHandler):
    """Serves one file as the Hugging Face hub does."""

    content = b""

    def do_HEAD(self):
        there = self.path == "/timm/test_convnext.r160_in1k/resolve/main/model.safetensors"
        self.send_response(200 if there else 404)
        self.send_header("X-Repo-Commit", "1" * 40)
        self.send_header("ETag", f'"{hashlib.sha256(self.content).hexdigest()}"')
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(self.content)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(published):
    """The address of a hub that has timm's weights of the encoder."""
    handler = type("Published", (Hub,), {"content": published.read_bytes()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("offline", [True, False])
def test_weights_that_cannot_be_downloaded_are_to_be_put_where_it_says(elsewhere, hub, offline):
    environment = {"HF_HUB_OFFLINE": "1"} if offline else {"HF_ENDPOINT": hub}
    params = {"init": "pretrained", "encoder": "test_resnet"}  # the hub has another one
    status, _, error = elsewhere(params, **environment)
    assert status == "failed"
    assert "hf download timm/test_resnet.r160_in1k model.safetensors" in error
    assert "set weights: to that file, or to a directory" in error
    assert "as test_resnet.safetensors" in error


def test_weights_are_downloaded_once_and_then_need_no_network(elsewhere, hub, published):
    sha256 = hashlib.sha256(published.read_bytes()).hexdigest()
    expected = (
        "complete",
        f"pretrained test_convnext.r160_in1k: all 97 tensors of the encoder (sha256 {sha256[:12]})",
        "",
    )
    assert tuple(elsewhere({"init": "pretrained"}, HF_ENDPOINT=hub)) == expected
    assert tuple(elsewhere({"init": "pretrained"}, HF_HUB_OFFLINE="1")) == expected
