"""Training of every model of the catalog: gradients, repetition, learning."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from searchctl.trainer import Sample
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.data.loader import build_dataset
from searchctl.trainer.data.settings import CamvidData, ScenesData
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.run.torch_state import own_torch_state
from searchctl.trainer.settings.training import TrainSettings
from tests.jobs.small_jobs import run_small
from tests.networks.tiny_models import BRANCHLESS, CLASSES, VARIANTS, tiny, train_steps
from tests.sweeps.grids import itself, mostly_exhaustive

SKIPPING = [variant for variant in VARIANTS if variant not in BRANCHLESS]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def four_street_images(camvid_root):
    """Normalised images [4, 3, 64, 64] and labels [4, 64, 64] from all over CamVid's training.

    Of each, a part where there are seven classes, the largest of them a quarter, and few edges: a
    network whose logits are at a stride of 32 can be right about 96 % of it at most.
    """
    dataset = build_dataset(CamvidData(dataset="camvid", root=camvid_root))
    pairs = [dataset.load("train", index) for index in (0, 100, 200, 300)]
    images = np.stack([image[192:256, :64] for image, _ in pairs])
    labels = np.stack([label[192:256, :64] for _, label in pairs])
    normalised = Precision(TrainSettings(), CPU).normalise(torch.from_numpy(images).movedim(-1, 1))
    return normalised, torch.from_numpy(labels).long()


@pytest.fixture(params=VARIANTS)
def variant(request):
    return request.param


@pytest.mark.parametrize("drop_path", [None, 0.5])
@pytest.mark.parametrize("variant", SKIPPING)
def test_branches_are_skipped_exactly_when_requested(variant, drop_path):
    # None is 0 for all, also for SwinV2, whose default is 0.1 in timm
    model, images = tiny(variant, drop_path=drop_path), torch.randn(8, 3, 64, 64)
    train_steps(model, steps=1)  # some branches begin as zeros: to skip them changes nothing
    model.train()
    assert torch.equal(model(images), model(images)) is (drop_path is None)
    model.eval()
    assert torch.equal(model(images), model(images))


def test_skipping_branches_of_an_encoder_that_has_none_is_refused():
    with pytest.raises(SettingsError, match="drop_path"):
        tiny("fcn32s", drop_path=0.1)


def test_training_repeats_bit_for_bit(variant):
    ends = []
    with own_torch_state(TrainSettings(), CPU):  # as in a job: it demands deterministic algorithms
        for _ in range(2):
            model = tiny(variant, dropout=0.2)
            train_steps(model, steps=2)
            ends.append(model.state_dict())
    assert [name for name in ends[0] if not torch.equal(ends[0][name], ends[1][name])] == []


def test_a_last_batch_of_one_image_is_trained_on_with_the_one_before(variant, tmp_path):
    scenes = ScenesData(dataset="scenes", image_size=(64, 64), train=5, val=1)
    settings = TrainSettings(**VARIANTS[variant], epochs=1, batch_size=4)
    sample = Sample(scenes, images=5, seed=0)
    result = run_small(settings, sample, out=tmp_path)
    assert (result.status, result.error) == ("complete", None)
    assert [epoch.images for epoch in result.epochs] == [5]


@pytest.mark.parametrize(
    "variant",
    mostly_exhaustive(
        itself(name for name in VARIANTS if not name.endswith("-no-aux")), "unet", "segformer"
    ),
)
def test_four_real_images_can_be_learned_by_heart(variant, four_street_images):
    images, labels = four_street_images
    model, aux_weight = tiny(variant), TrainSettings().aux_weight
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(300):
        if step % 10 == 0 and accuracy(model, images, labels) > 0.9:
            break
        main, *auxiliary = model.train().all_logits(images)
        losses = (F.cross_entropy(each, labels, ignore_index=CLASSES) for each in auxiliary)
        loss = F.cross_entropy(main, labels, ignore_index=CLASSES) + aux_weight * sum(losses)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert accuracy(model, images, labels) > 0.9


@torch.no_grad()
def accuracy(model, images, labels):
    """The share of the valid pixels that the model, in evaluation, is right about."""
    right = model.eval()(images).argmax(dim=1) == labels
    return right[labels != CLASSES].float().mean()
