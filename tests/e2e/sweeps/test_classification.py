"""A sweep of classifiers from its file to a trained model, by the same halving as any other."""

import json

import pytest
from PIL import Image
from safetensors import safe_open

SWEEP = """\
name: classes
seed: 3
task: classification
data:
  dataset: image_folder
  root: {root}
  image_size: [{side}, {side}]
training:
  model: timm:test_resnet
  epochs: 3
  batch_size: 8
  augment: flip_crop
  label_smoothing: 0.1
space:
  points:
    - {{lr: 1e-2}}
    - {{lr: 1e-3, model: "timm:test_vit"}}
    - {{lr: 1e-3, mixup: 0.1, cutmix: 0.1}}
    - {{lr: 1e-4}}
halving: {{finalists: 1}}
report: {{features: true}}
"""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("pet_breeds_root", 48), marks=pytest.mark.exhaustive),
        ("drawn_classes_root", 32),
    ],
)
def swept(request, tmp_path_factory, searchctl):
    """Sweeps on real cats and dogs by breed, if available, and on synthetic stripes."""
    fixture, side = request.param
    folder = tmp_path_factory.mktemp("classes")
    text = SWEEP.format(root=request.getfixturevalue(fixture), side=side)
    (folder / "sweep.yaml").write_text(text)
    launched = searchctl("launch", "sweep.yaml", "--inline", cwd=folder)
    assert launched.returncode == 0, launched.stderr
    return folder, launched.stdout


def winner_of(searchctl, folder):
    status = json.loads(searchctl("status", "classes", "--json", cwd=folder).stdout)
    assert status["state"] == "COMPLETE"
    assert [(rung["trials"], rung["done"]) for rung in status["rungs"]] == [(4, 4), (2, 2), (1, 1)]
    return status["best"][0]


def test_trials_are_ranked_by_accuracy(searchctl, swept):
    folder, output = swept
    winner = winner_of(searchctl, folder)
    assert f"Winner: trial {winner['trial']}, val_accuracy {winner['score']:.4f}" in output
    assert 0 <= winner["score"] <= 1


def test_stored_scores_follow_from_the_images(searchctl, swept):
    verified = searchctl("verify", "classes", cwd=swept[0])
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_show_prints_accuracies_and_the_path_of_the_picture(searchctl, swept):
    folder, _ = swept
    trial = str(winner_of(searchctl, folder)["trial"])
    shown = searchctl("show", "classes", trial, cwd=folder).stdout
    assert "val accuracy" in shown
    assert "mIoU" not in shown
    facts = json.loads(searchctl("show", "classes", trial, "--json", cwd=folder).stdout)
    path = facts["jobs"][-1]["features"]
    assert f"embeddings, by PCA and t-SNE: {path}" in shown
    with Image.open(path) as picture:
        assert picture.format == "PNG"
    assert [job["features"] for job in facts["jobs"][:-1]] == [None, None]
    kept = facts["jobs"][-1]["rung"], facts["jobs"][-1]["kept_epoch"]
    (accuracy,) = (e["val_accuracy"] for e in facts["epochs"] if (e["rung"], e["epoch"]) == kept)
    assert accuracy == facts["jobs"][-1]["score"]


def test_gc_leaves_the_picture(searchctl, swept):
    folder, _ = swept
    trial = str(winner_of(searchctl, folder)["trial"])
    assert searchctl("gc", "classes", cwd=folder).returncode == 0
    facts = json.loads(searchctl("show", "classes", trial, "--json", cwd=folder).stdout)
    with Image.open(facts["jobs"][-1]["features"]) as picture:
        picture.verify()


@pytest.mark.exhaustive
def test_the_exported_classifier_trains_to_the_finalists_own_accuracy(searchctl, swept):
    folder, _ = swept
    winner = winner_of(searchctl, folder)
    assert searchctl("export", "classes", "-o", "best.yaml", cwd=folder).returncode == 0
    trained = searchctl("train", "best.yaml", "-o", "final", cwd=folder)
    assert trained.returncode == 0, trained.stderr
    assert "val accuracy" in trained.stdout
    assert "mIoU" not in trained.stdout
    metrics = json.loads((folder / "final" / "metrics.json").read_text())
    assert metrics["score"] == winner["score"]
    assert metrics["evaluations"].get("test", {}).get("overall_accuracy") == winner["test_accuracy"]
    with (
        safe_open(folder / "final" / "model.safetensors", "pt") as again,
        safe_open(winner["weights"], "pt") as first,
    ):
        for name in first.keys():  # noqa: SIM118 (it is no dict)
            assert again.get_tensor(name).equal(first.get_tensor(name)), name


def test_a_network_that_timm_lacks_is_refused_before_the_first_epoch(searchctl, swept, tmp_path):
    text = (swept[0] / "sweep.yaml").read_text().replace("timm:test_vit", "timm:vgg13bn")
    (tmp_path / "sweep.yaml").write_text(text)
    launched = searchctl("launch", "sweep.yaml", "--inline", cwd=tmp_path)
    assert launched.returncode == 1
    assert "unknown timm model 'vgg13bn': did you mean 'vgg13_bn'" in launched.stderr
