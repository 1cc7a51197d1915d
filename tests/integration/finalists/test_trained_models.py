"""A network that was trained, exported and loaded again: what it predicts is what was scored."""

import json
from dataclasses import asdict

import pytest
import torch
from upath import UPath

import searchctl
from searchctl.orchestrator.artifacts.export import Exported
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.run.final.training import train_exported
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.settings import OxfordPetsData, ScenesData
from searchctl.trainer.evaluation.metrics import confusion_per_image, pooled_evaluation
from searchctl.trainer.trained.evaluation import evaluate_model

DATA = ScenesData(
    dataset="scenes", image_size=(24, 32), native_size=(40, 64), train=16, val=4, test=3
)
SETTINGS = {"width": 4, "epochs": 2, "batch_size": 4, "lr": 0.01, "threads": 1}
VIEWS = {"mode": "sliding_window", "overlap": 0.5, "flip": True, "scales": [0.5, 1.0]}
PLAIN = Exported(seed=3, data=DATA, training=SETTINGS, score="val_dice")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train two networks, one that is scored by windows; return their directories."""
    below = UPath(tmp_path_factory.mktemp("trained"))
    views = Exported.model_validate({**PLAIN.model_dump(by_alias=True), "inference": VIEWS})
    for name, exported in (("plain", PLAIN), ("views", views)):
        train_exported(exported, below / name)
    return below


@pytest.mark.parametrize("name", ["plain", "views"])
@pytest.mark.parametrize("split", ["val", "test"])
def test_a_loaded_network_has_the_very_scores_that_were_stored(trained, name, split):
    found = evaluate_model(searchctl.load_model(trained / name), DATA, split)
    stored = json.loads((trained / name / "metrics.json").read_text())["evaluations"]
    assert found.keys() == {split, f"{split}_original"}
    for each, scores in found.items():
        assert json.loads(json.dumps(asdict(scores))) == stored[each]
        assert scores.scores["val_dice"] is not None


@pytest.mark.parametrize("name", ["plain", "views"])
def test_predicted_classes_give_the_score_at_original_size(trained, name):
    model = searchctl.load_model(trained / name)
    pairs = [build_dataset(DATA).load("val", index) for index in range(4)]
    predictions = list(model.predictions([image for image, _ in pairs], batch_size=4))
    counted = [
        confusion_per_image(
            *(torch.as_tensor(each).long().unsqueeze(0) for each in (found.classes, label)), 11, 11
        )
        for found, (_, label) in zip(predictions, pairs, strict=True)
    ]
    pooled = pooled_evaluation(torch.cat(counted).sum(dim=0).numpy(), 0.0)
    stored = model.description.evaluations["val_original"]
    assert pooled.miou == stored["miou"]
    alone = model.predict(pairs[0][0]).classes
    assert (alone == predictions[0].classes).mean() > 0.999  # a batch may round otherwise


def test_data_of_other_classes_are_refused_with_both_lists(trained, tmp_path):
    model = searchctl.load_model(trained / "plain")
    pets = OxfordPetsData(dataset="oxford_pets", root=tmp_path, image_size=(24, 32))
    with pytest.raises(SettingsError, match=r"classes Sky, Building.*data set has \w+, \w+:"):
        evaluate_model(model, pets, "val")


def test_the_same_training_gives_the_same_bytes(trained, tmp_path):
    train_exported(PLAIN, UPath(tmp_path))
    for name in ("model.safetensors", "README.md"):
        assert (tmp_path / name).read_bytes() == (trained / "plain" / name).read_bytes()


def test_a_finished_model_is_replaced_only_on_request(trained, tmp_path):
    out = UPath(tmp_path)
    for name in ("model.safetensors", "metrics.json", "README.md"):
        (out / name).write_bytes((trained / "plain" / name).read_bytes())
    other = PLAIN.model_copy(update={"seed": 4})
    with pytest.raises(SearchctlError, match=r"holds a finished model .*--overwrite"):
        train_exported(other, out)
    assert searchctl.load_model(out).description.trained.seed == 3
    train_exported(other, out, overwrite=True)
    assert searchctl.load_model(out).description.trained.seed == 4
    (out / "README.md").write_text("mine")
    with pytest.raises(SearchctlError, match=r"README\.md is there, and is no model card"):
        train_exported(other, out, overwrite=True)


def test_the_score_that_kept_the_weights_is_in_their_file(trained):
    described = searchctl.load_model(trained / "plain").description
    metrics = json.loads((trained / "plain" / "metrics.json").read_text())
    assert described.score.value == metrics["score"]
    assert (described.score.name, described.score.epoch) == ("val_dice", metrics["kept_epoch"])
    assert described.classes.names == build_dataset(DATA).class_names
    assert described.trained.training["lr"] == 0.01
