"""Jobs that learn the class of an image: scored, mixed, killed, and looked into."""

import hashlib
import os

import numpy as np
import pytest
import torch
from PIL import Image
from upath import UPath

from searchctl.trainer import Sample
from searchctl.trainer.data.settings import ImageFolderData
from searchctl.trainer.pictures.embeddings_plot import draw
from searchctl.trainer.run.checkpoints.file import read_checkpoint
from searchctl.trainer.settings.training import TrainSettings
from tests.jobs.small_jobs import run_small

SETTINGS = TrainSettings(
    model="timm:test_resnet", lr=3e-3, epochs=5, batch_size=8, label_smoothing=0.1, threads=1
)


@pytest.fixture(scope="session")
def stripes(drawn_classes_root):
    return ImageFolderData(dataset="image_folder", root=drawn_classes_root, image_size=(32, 32))


@pytest.fixture(name="run")
def run_classification(stripes, tmp_path):
    def job(params=None, *, data=stripes, **arguments):
        fields = {"params": params or {}, "out": UPath(tmp_path / "job")} | arguments
        return run_small(SETTINGS, Sample(data, images=32, seed=7), score="val_accuracy", **fields)

    return job


def test_accuracy_is_the_share_of_images_that_are_right(run):
    result = run(final=True)
    assert result.status == "complete", result.error
    kept = result.epochs[result.kept_epoch - 1]
    assert result.score == kept.val_accuracy == max(each.val_accuracy for each in result.epochs)
    hits = result.image_counts.counts[:, :, 0].sum()
    assert result.image_counts.counts.shape == (8, 2, 3)
    assert result.image_counts.pixels.tolist() == [1] * 8
    assert result.score == hits / 8


def test_classes_that_look_different_are_distinguished(run):
    assert run({"epochs": 12}).score > 0.9


def test_the_first_of_equal_accuracies_is_kept_and_patience_counts_from_there(run):
    result = run({"lr": 1e-9, "patience": 2})
    assert (result.kept_epoch, len(result.epochs)) == (1, 3)


@pytest.mark.parametrize("mixing", [{"mixup": 0.4}, {"cutmix": 0.4}, {"mixup": 0.4, "cutmix": 1.0}])
def test_mixed_batches_train_otherwise_and_the_same_each_time(run, tmp_path, mixing):
    plain = run(out=UPath(tmp_path / "plain"))
    first, again = (run(mixing, out=UPath(tmp_path / name)) for name in "ab")
    losses = [[each.train_loss for each in result.epochs] for result in (plain, first, again)]
    assert losses[0] != losses[1] == losses[2]


class Killed(Exception):
    """In place of a kill, after an epoch's checkpoint was written."""


def kill_after(epoch):
    def on_epoch(record):
        if record.epoch == epoch:
            raise Killed

    return on_epoch


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "epoch",
    [
        pytest.param(1, marks=pytest.mark.exhaustive),
        3,
        pytest.param(5, marks=pytest.mark.exhaustive),
    ],
)
def test_a_killed_job_continues_to_the_same_numbers_and_the_same_picture(run, tmp_path, epoch):
    params = {"mixup": 0.4, "cutmix": 0.4}
    whole = run(params, out=UPath(tmp_path / "whole"), features=True, final=True)
    first, second = UPath(tmp_path / "first"), UPath(tmp_path / "second")
    with pytest.raises(Killed):
        run(params, out=first, features=True, final=True, on_epoch=kill_after(epoch))
    resumed = run(params, out=second, features=True, final=True, resume_from=[first])
    assert resumed.first_epoch == epoch + 1
    assert resumed.evaluations == whole.evaluations
    assert digest(resumed.features) == digest(whole.features)


def features_of(out):
    raw = torch.load(out / "checkpoint.pt", weights_only=True)
    return read_checkpoint(out, raw["identity"]).training["progress"]["features"]


def test_features_are_of_the_first_the_middle_and_the_last_epoch(run, tmp_path):
    result = run(features=True)
    found = features_of(UPath(tmp_path / "job"))
    assert list(found) == [1, 3, 5]
    assert {each.shape for each in found.values()} == {(8, 8)}  # no more components than images
    assert result.features == UPath(tmp_path / "job" / "features.png")
    with Image.open(result.features) as picture:
        assert picture.format == "PNG"


def test_the_last_epoch_is_the_one_at_which_patience_ends(run, tmp_path):
    run({"lr": 1e-9, "patience": 1, "epochs": 9}, features=True)
    assert list(features_of(UPath(tmp_path / "job"))) == [1, 2]


def test_embeddings_are_not_computed_by_default(run, tmp_path):
    assert run().features is None
    assert features_of(UPath(tmp_path / "job")) == {}
    assert os.listdir(tmp_path / "job") == ["checkpoint.pt"]


def test_embeddings_change_no_result(run, tmp_path):
    plain, looked = run(out=UPath(tmp_path / "a")), run(out=UPath(tmp_path / "b"), features=True)
    assert plain.evaluations == looked.evaluations
    losses = [[each.train_loss for each in result.epochs] for result in (plain, looked)]
    assert losses[0] == losses[1]


def test_features_of_a_segmentation_are_refused(run, small_scenes):
    result = run({"model": "simple_fcn", "width": 4}, data=small_scenes, features=True)
    assert (result.status, result.error) == (
        "failed",
        "report.features: features are drawn for classification only",
    )


@pytest.mark.parametrize("images", [1, 2, 3, 5, 31, 40])
@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_few_images_and_images_that_look_the_same_can_be_drawn(images, spread):
    rng = np.random.default_rng(0)
    points = spread * rng.normal(size=(images, min(images, 4))).astype(np.float32)
    classes = rng.integers(0, 2, images)
    picture = draw({1: points}, classes, ("cat", "dog"))
    assert picture == draw({1: points}, classes, ("cat", "dog"))
    assert picture.startswith(b"\x89PNG")


def test_the_legend_has_room_for_many_classes():
    points = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    assert draw({1: points, 2: points}, np.arange(300) % 100, [f"猫{i}" * 20 for i in range(100)])
