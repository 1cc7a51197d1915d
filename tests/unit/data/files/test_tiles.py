"""Large images: cut into tiles for training, predicted in strips at their own size."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from pydantic import ValidationError

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.planning.plan import plan_sweep
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.crop import crop_corners
from searchctl.trainer.data.facts.image_facts import Seeing
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.samples import load_split
from searchctl.trainer.data.sets.files import SPLITS
from searchctl.trainer.data.settings import FolderData
from searchctl.trainer.evaluation import strips
from searchctl.trainer.evaluation.evaluate import evaluate_original
from searchctl.trainer.evaluation.strips import upsampled_rows
from searchctl.trainer.models.build import build_model
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.training import TrainSettings

SIZE = (50, 70)


@pytest.fixture
def root(tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for index in range(10):
        rng = np.random.default_rng(index)
        image = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / "images" / f"{index}.png")
        Image.fromarray((image[..., 0] > 127).astype(np.uint8)).save(
            tmp_path / "masks" / f"{index}.png"
        )
    return tmp_path


def data(root, **changes):
    settings = {"classes": ["a", "b"], "image_size": (32, 32), "cache_dir": root / "cache"}
    return FolderData(dataset="folder", root=root, **{**settings, **changes})


def test_tiles_put_together_are_the_image(root):
    tiles = build_dataset(data(root, tile=(32, 32), tile_overlap=0.25))
    whole = tiles.whole
    seen = np.zeros((*SIZE, 3), np.uint8)
    first = [n for n in tiles.names("train") if n.startswith(whole.names("train")[0] + "@")]
    for index, name in enumerate(first):
        top, left = map(int, name.partition("@")[2].split(","))
        image, label = tiles.load("train", index)
        assert image.shape == (*tiles.size("train", index), 3) == (32, 32, 3)
        assert np.array_equal(label, image[..., 0] > 127)
        seen[top : top + 32, left : left + 32] = image
    assert np.array_equal(seen, whole.load("train", 0)[0])


def test_tiles_of_an_image_are_in_one_split_and_one_group(root):
    tiles = build_dataset(data(root, tile=(32, 32)))
    images = {s: {name.partition("@")[0] for name in tiles.names(s)} for s in SPLITS}
    assert sum(map(len, images.values())) == len(set().union(*images.values())) == 10
    names = tiles.names("val")
    groups = [tiles.group("val", index) for index in range(len(names))]
    assert groups == [name.partition("@")[0] for name in names]


def test_an_image_smaller_than_a_tile_is_one_tile(root):
    tiles = build_dataset(data(root, tile=(64, 64)))
    assert [tiles.size("val", index) for index in range(2)] == [(50, 64), (50, 64)]
    assert crop_corners((50, 60), (64, 64), 0.5) == [(0, 0)]


def test_tiles_are_trained_on_as_they_are(root):
    split = load_split(data(root, tile=(32, 32)), "train")
    tiles = build_dataset(data(root, tile=(32, 32)))
    for index in (0, 3, 17):
        assert np.array_equal(split.images[index], tiles.load("train", index)[0])


def test_overlap_needs_tiles(root):
    with pytest.raises(ValidationError, match="tile_overlap has no effect without tile"):
        data(root, tile_overlap=0.5)


def test_an_image_of_too_many_pixels_names_the_setting(root, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    dataset = build_dataset.__wrapped__(data(root, max_pixels=1))
    with pytest.raises(DataError, match=r"more pixels than data.max_pixels allows"):
        dataset.check()
    build_dataset.__wrapped__(data(root, max_pixels=8000)).check()


@pytest.mark.parametrize("size", [(50, 70), (7, 9), (16, 16), (5, 40)])
def test_strips_of_upsampled_logits_are_those_of_the_whole(size):
    logits = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    whole = F.interpolate(logits, size, mode="bilinear", align_corners=False)
    for top in range(0, size[0], 3):
        rows = slice(top, min(top + 3, size[0]))
        assert torch.allclose(upsampled_rows(logits, size, rows), whole[..., rows, :], atol=1e-5)


@pytest.mark.parametrize(
    "inference",
    [{}, {"flip": True}, {"scales": [0.5, 1.0]}, {"mode": "whole"}, {"mode": "sliding_window"}],
)
def test_scores_in_strips_are_those_of_the_whole_image(root, monkeypatch, inference):
    torch.manual_seed(0)
    model = build_model(TrainSettings(model="simple_fcn", width=4), 2)
    split = load_split(data(root), "val")
    precision = Precision(TrainSettings(), torch.device("cpu"))
    options = {"inference": Inference(**inference), "batch_size": 2, "stop": lambda: False}
    whole, counts = evaluate_original(model, split, precision, **options)
    monkeypatch.setattr(strips, "STRIP_BYTES", 4 * 2 * 70 * 7)
    parts, part_counts = evaluate_original(model, split, precision, **options)
    # windows lie elsewhere in a strip than in the image
    close = 0.02 if inference.get("mode") == "sliding_window" else 1e-4
    assert parts.loss == pytest.approx(whole.loss, rel=close)
    assert parts.miou == pytest.approx(whole.miou, abs=close)
    assert np.array_equal(part_counts.pixels, counts.pixels)
    assert part_counts.counts.shape == counts.counts.shape


def test_a_plan_counts_tiles(root):
    settings = data(root, tile=(32, 32))
    raw = {"name": "x", "data": settings.model_dump(), "space": {"lr": [0.1, 0.2]}}
    plan = plan_sweep(Sweep.model_validate(raw))
    assert plan.ladder.rungs[-1].images == len(build_dataset(settings).names("train"))


def test_what_is_left_of_a_class_is_that_of_tiles():
    label = np.zeros((64, 64), dtype=np.uint8)
    label[33, 33] = 1
    assert Seeing((16, 16)).left(label)[:2].tolist() == [True, False]
    assert Seeing((16, 16), (16, 16)).left(label)[:2].tolist() == [True, True]
