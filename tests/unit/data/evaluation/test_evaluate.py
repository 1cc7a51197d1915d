"""Scores at the labels' own size, plain and in every way of predicting."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from searchctl.trainer.data.loader import fixed_batches, load_split
from searchctl.trainer.data.sets.street_classes import VOID
from searchctl.trainer.data.settings import CamvidData, ImageFolderData
from searchctl.trainer.evaluation.evaluate import evaluate_original
from searchctl.trainer.models.build import build_model
from searchctl.trainer.models.networks.simple_fcn import SimpleFCN
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.training import TrainSettings
from tests.networks.tiny_models import settled, tiny

ARITHMETIC = Precision(TrainSettings(), torch.device("cpu"))


def scores(model, split, **options):
    stop = bool
    inference = Inference.model_validate(options)
    return evaluate_original(
        model, split, ARITHMETIC, inference=inference, batch_size=4, stop=stop
    )[0]


@pytest.fixture(scope="module")
def learned(small_scenes):
    """A small network that has seen a few scenes."""
    return taught(load_split(small_scenes, "train"), steps=30)


def taught(split, steps):
    torch.manual_seed(0)
    model = SimpleFCN(11, width=8)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(steps):
        for images, labels in fixed_batches(split, 8):
            optimizer.zero_grad()
            logits = ARITHMETIC.logits(model, images)
            F.cross_entropy(logits, labels.long(), ignore_index=VOID).backward()
            optimizer.step()
    return model.eval()


def test_without_options_images_are_scored_in_batches_by_upsampled_logits(learned, small_scenes):
    split = load_split(small_scenes, "val")
    losses, pixels = 0.0, 0
    for start in (0, 4):
        images = torch.tensor(split.images[start : start + 4]).permute(0, 3, 1, 2)
        with torch.inference_mode():
            batch = ARITHMETIC.logits(learned, images)
        for index, logits in enumerate(batch, start):
            labels = torch.tensor(split.dataset.load("val", index)[1]).long().unsqueeze(0)
            upsampled = F.interpolate(
                logits.unsqueeze(0), labels.shape[-2:], mode="bilinear", align_corners=False
            )
            each = F.cross_entropy(upsampled, labels, ignore_index=VOID, reduction="none")
            losses += each.sum(dtype=torch.float64).item()
            pixels += int((labels != VOID).sum())
    assert scores(learned, split).loss == losses / pixels
    assert scores(learned, split) == scores(learned, split, mode="resized", scales=[1])


def once(model, image):
    pixels = torch.tensor(image.copy()).permute(2, 0, 1).unsqueeze(0)
    with torch.inference_mode():
        return ARITHMETIC.logits(model, pixels).softmax(dim=1)[0]


def test_the_loss_of_averaged_views_is_of_their_averaged_probability(learned, small_scenes):
    split = load_split(small_scenes, "val").take([0])
    image, label = split.dataset.load("val", 0)
    options = {"mode": "whole", "flip": True}
    probabilities = (once(learned, image) + once(learned, image[:, ::-1]).flip(-1)) / 2
    valid = torch.tensor(label != VOID)
    right = probabilities.gather(0, torch.tensor(label).long().clamp(max=10)[None])[0]
    assert scores(learned, split, **options).loss == pytest.approx(
        -right[valid].log().mean().item(), rel=1e-5
    )


@pytest.mark.parametrize(
    "options", [{"flip": True}, {"mode": "whole", "scales": [0.25]}, {"mode": "sliding_window"}]
)
def test_images_pass_through_the_network_together_and_are_counted_as_alone(small_scenes, options):
    split = load_split(small_scenes, "val")
    torch.manual_seed(0)
    model = settled(tiny("unet", 11), torch.rand(2, 3, 32, 48))
    found, passes = {}, {4: 0, 1: 0}
    for size in passes:

        def count(*_, size=size):
            passes[size] += 1

        with model.register_forward_hook(count):
            found[size] = evaluate_original(
                model,
                split,
                ARITHMETIC,
                inference=Inference.model_validate(options),
                batch_size=size,
                stop=bool,
            )
    (together, counts), (alone, alone_counts) = found[4], found[1]
    assert passes[4] <= passes[1] / 2
    assert np.array_equal(counts.counts, alone_counts.counts)
    assert together.loss == pytest.approx(alone.loss, rel=1e-6)


@pytest.fixture
def pictures(tmp_path):
    """Pictures of two classes, of twice the size at which networks see them."""
    for number in range(8):
        noise = np.random.default_rng(number).integers(0, 256, (64, 96, 3), dtype=np.uint8)
        path = tmp_path / ("train", "val")[number % 2] / ("a", "b")[number // 4] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise).save(path)
    return ImageFolderData(dataset="image_folder", root=tmp_path, image_size=(32, 48))


@pytest.mark.parametrize("scales", [[1.0], [1.0, 1.5]])
def test_classes_of_whole_images_are_averaged_over_views_too(pictures, scales):
    torch.manual_seed(0)
    model = build_model(TrainSettings(model="timm:test_resnet"), 2).eval()
    split = load_split(pictures, "val")
    losses = []
    for index in range(4):
        image, label = split.dataset.load("val", index)
        views = [
            once(model, cv2.resize(seen, (int(48 * s), int(32 * s)), interpolation=cv2.INTER_AREA))
            for s in scales
            for seen in (image, image[:, ::-1].copy())
        ]
        losses.append(-torch.stack(views).mean(dim=0)[label.item()].log().item())
    found = scores(model, split, scales=scales, flip=True)
    assert found.loss == pytest.approx(sum(losses) / 4, rel=1e-4)
    assert found.overall_accuracy in (0, 0.25, 0.5, 0.75, 1)


@pytest.fixture(scope="module")
def streets(camvid_root):
    data = CamvidData(dataset="camvid", root=camvid_root, image_size=(90, 120))
    split = load_split(data, "val").take(range(0, 96, 12))
    return taught(split, steps=100), split.take([0, 4])


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "whole", "scales": [0.25]},
        {"mode": "whole", "scales": [0.25, 0.3], "flip": True},
        {"mode": "sliding_window", "scales": [0.3]},
        {"mode": "sliding_window", "scales": [0.25, 0.4], "flip": True, "overlap": 0.5},
        {"scales": [0.8, 1.2]},
        {"flip": True},
    ],
)
def test_on_real_streets_all_ways_of_predicting_come_near_each_other(streets, options):
    model, split = streets  # of four times the size that the network has learned
    plain, found = scores(model, split), scores(model, split, **options)
    assert plain.overall_accuracy > 0.6
    assert found.overall_accuracy == pytest.approx(plain.overall_accuracy, abs=0.1)
    assert found.loss == pytest.approx(plain.loss, rel=0.25)
