"""Files of weights say what they are, and load as that; nothing in them is executed."""

import json
import re

import numpy as np
import pytest
import safetensors
import torch
from safetensors.torch import save
from upath import UPath

import searchctl
from searchctl.trainer.core.errors import CodeError, SettingsError
from searchctl.trainer.data.crop import crop_corners
from searchctl.trainer.trained.card import model_card
from searchctl.trainer.trained.description import Source
from searchctl.trainer.trained.header import metadata_of, numbers_in, with_metadata
from searchctl.trainer.trained.tiles import tiled_strips
from searchctl.trainer.weights.files import save_weights
from tests.networks.model_files import BANDS, RGB, write_model

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(5, dtype=torch.int64)}


def image_of(height, width, channels=3, dtype="uint8"):
    return np.random.default_rng(0).integers(0, 255, (height, width, channels)).astype(dtype)


@pytest.mark.parametrize("metadata", [{}, {"a": "b", "c": 'd"'}, {"long": "x" * 1001}])
def test_metadata_are_replaced_and_the_library_reads_the_same_tensors(metadata, tmp_path):
    content = with_metadata(save(TENSORS, {"old": "1"}), metadata)
    assert metadata_of(content, "x") == metadata
    assert numbers_in(content) == 11
    (tmp_path / "x.safetensors").write_bytes(content)
    with safetensors.safe_open(tmp_path / "x.safetensors", "pt") as file:
        assert (file.metadata() or {}) == metadata
        assert all(torch.equal(file.get_tensor(name), TENSORS[name]) for name in TENSORS)


@pytest.mark.parametrize("content", [b"", b"123", b"\xff" * 20, b"\x02" + bytes(7) + b"[]"])
def test_what_is_no_safetensors_file_is_refused(content):
    with pytest.raises(SettingsError, match=r"x\.y is no safetensors file"):
        metadata_of(content, "x.y")


def test_a_file_without_a_description_is_refused_by_what_is_missing(tmp_path):
    save_weights(TENSORS, UPath(tmp_path / "model.safetensors"))
    with pytest.raises(SettingsError, match="does not say what it is"):
        searchctl.load_model(tmp_path)
    with pytest.raises(SettingsError, match=r"there is no model at .*nowhere"):
        searchctl.load_model(tmp_path / "nowhere")


def test_facts_of_a_later_version_are_ignored_and_an_unknown_network_is_named(tmp_path):
    described = write_model(tmp_path)
    path = tmp_path / "model.safetensors"
    facts = json.loads(described.model_dump_json()) | {"later": 1}
    path.write_bytes(with_metadata(path.read_bytes(), {"searchctl": json.dumps(facts)}))
    assert searchctl.load_model(tmp_path).description == described
    facts["trained"]["training"]["model"] = "unett"
    path.write_bytes(with_metadata(path.read_bytes(), {"searchctl": json.dumps(facts)}))
    with pytest.raises(SettingsError, match=r"the network 'unett' of searchctl 0\.1\.0 is not"):
        searchctl.load_model(tmp_path)


@pytest.mark.parametrize("tile", [None, (24, 32)], ids=["whole", "tiles"])
@pytest.mark.parametrize("mode", ["resized", "whole", "sliding_window"])
@pytest.mark.parametrize("size", [(5, 7), (24, 32), (61, 50)])
def test_an_image_of_any_size_has_classes_and_probabilities_of_that_size(
    tmp_path, size, mode, tile
):
    write_model(tmp_path, {**RGB, "tile": tile})
    model = searchctl.load_model(tmp_path, device="cpu", inference={"mode": mode})
    found = model.predict(image_of(*size))
    assert (found.classes.shape, found.classes.dtype) == (size, np.uint8)
    assert found.probabilities.shape == (3, *size)
    assert np.allclose(found.probabilities.sum(axis=0), 1, atol=1e-5)
    assert np.array_equal(found.probabilities.argmax(axis=0), found.classes)


def test_missing_pixels_of_a_raster_have_no_class(tmp_path):
    write_model(tmp_path, {**BANDS, "nodata": 7.0})
    model = searchctl.load_model(tmp_path)
    image = image_of(30, 40, 4, "float64") + 10
    image[:3, :, 1], image[5, 5, 0] = np.nan, 7
    classes = model.predict(image).classes
    assert (classes[:3] == 255).all()
    assert (classes == 255).sum() == 3 * 40 + 1


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (image_of(9, 9)[..., 0], r"uint8 RGB, and this one is \[9, 9\]"),
        (image_of(9, 9, 4), r"\[height, width, 3\] uint8 RGB, and this one is \[9, 9, 4\]"),
        (image_of(9, 9, dtype="float32"), "this one has float32 values"),
    ],
)
def test_an_image_of_another_kind_is_refused(tmp_path, image, words):
    write_model(tmp_path)
    with pytest.raises(SettingsError, match=words):
        searchctl.load_model(tmp_path).predict(image)


@pytest.mark.parametrize("overlap", [0, 0.3, 0.9])
@pytest.mark.parametrize("size", [(8, 10), (6, 30), (31, 9), (40, 43)])
def test_probabilities_are_averaged_where_tiles_overlap(size, overlap):
    image = np.random.default_rng(1).random((*size, 3))
    numbers = iter(range(1, 10_000))

    def probabilities(tile):
        return torch.from_numpy(tile.transpose(2, 0, 1) + next(numbers))

    strips = list(tiled_strips(image, (8, 10), overlap, probabilities))
    rows = [row for each, _ in strips for row in range(each.start, each.stop)]
    assert rows == list(range(size[0]))
    found = torch.cat([part for _, part in strips], dim=2)[0].exp().numpy()
    total, count = np.zeros(size), np.zeros(size)
    for number, (y, x) in enumerate(crop_corners(size, (8, 10), overlap), start=1):
        total[y : y + 8, x : x + 10] += number
        count[y : y + 8, x : x + 10] += 1
    assert np.allclose(found - image.transpose(2, 0, 1), total / count)


NET = """
import torch
class Net(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.classifier = torch.nn.Conv2d(3, classes, 1)
    def forward(self, images):
        return self.classifier(images)
"""


def test_own_code_is_imported_only_from_a_directory_that_is_named(tmp_path, monkeypatch):
    (tmp_path / "nets_of_mine.py").write_text(NET)
    with monkeypatch.context() as patched:
        patched.syspath_prepend(tmp_path)
        described = write_model(tmp_path, model="nets_of_mine:Net", width=None)
    assert described.code.parts == ("nets_of_mine:Net",)
    with pytest.raises(SettingsError, match="a network of your own, nets_of_mine:Net"):
        searchctl.load_model(tmp_path)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    assert searchctl.load_model(tmp_path, code=tmp_path).predict(image_of(9, 9)).classes.any()
    changed = described.model_copy(
        update={"code": described.code.model_copy(update={"files": {"nets_of_mine.py": "0" * 64}})}
    )
    path = tmp_path / "model.safetensors"
    path.write_bytes(with_metadata(path.read_bytes(), changed.metadata()))
    with pytest.raises(CodeError, match=r"nets_of_mine\.py in .*changed since"):
        searchctl.load_model(tmp_path, code=tmp_path)


def card_of(described, **changes):
    return model_card(described.model_copy(update=changes), weights=1, size=1, code=False)


def test_a_card_says_whether_the_sweep_trained_the_network_or_train_did(tmp_path):
    described = write_model(tmp_path)
    assert "It is trial 1 of the sweep a." in card_of(described, source=Source(sweep="a", trial=1))
    anew = Source(sweep="a", trial=1, retrained=())
    assert "trained that configuration anew. The weights" in card_of(described, source=anew)


@pytest.mark.parametrize(
    ("classes", "values"),
    [
        ({"sky": 0, "car": 128, "road": 255}, ["0", "128", "255"]),
        (["sky", "car", "road"], ["1", "2", "3"]),
    ],
)
def test_a_card_lists_the_mask_values_of_the_data_set_where_they_are_no_class_ids(
    tmp_path, classes, values
):
    described = write_model(tmp_path)
    data = {"dataset": "folder", "classes": classes, "first_id": 1}
    card = card_of(described, trained=described.trained.model_copy(update={"data": data}))
    rows = [line.split(" | ") for line in card.splitlines() if re.match(r"\| [012] \|", line)]
    assert [row[3].strip(" |") for row in rows] == values
    assert "Predicted masks hold the ids, 0 to 2" in card
    assert "have the value 255" not in card


def test_a_card_names_the_value_of_missing_pixels_of_rasters_alone(tmp_path):
    assert "the value 255" in card_of(write_model(tmp_path, BANDS))
    card = card_of(write_model(tmp_path))
    assert "the value 255" not in card
    assert "| id | class | colour |\n" in card


def test_a_model_card_names_classes_sizes_scores_and_what_is_to_be_filled_in(tmp_path):
    described = write_model(tmp_path, {**RGB, "tile": (24, 32)})
    scores = {"miou": 0.25, "loss": 1.5, "class_iou": (0.25, None, 0.5), "scores": {"val_dice": 1}}
    described = described.model_copy(update={"evaluations": {"val": scores}})
    card = model_card(described, weights=1234, size=5_000_000, code=False)
    assert card.startswith("---\nlibrary_name: searchctl\n")
    for line in (
        "| val | 0.2500 | - | - | 1.5000 | 1.0000 |",
        "| 1 | car | #ff0000 | - |",
        "| numbers in the file | 1,234 |",
        "| size of model.safetensors | 5.0 MB |",
        "| cut into tiles of | 24x32 |",
        "| these weights | *(fill in)* |",
        "| initial weights | none: trained from scratch |",
    ):
        assert line in card.splitlines()
