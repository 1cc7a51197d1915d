"""What every model of the catalog does. A new model gets these tests by its line there."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from trainer.catalog import MODELS
from trainer.data_settings import CamvidData
from trainer.errors import SettingsError
from trainer.loader import build_dataset
from trainer.models import build_model
from trainer.precision import Arithmetic
from trainer.settings import TrainSettings

CLASSES = 11


@pytest.fixture(scope="module")
def four_street_images(camvid_root):
    """Normalised images [4, 3, 45, 60] and labels [4, 45, 60] from all over CamVid's training."""
    dataset = build_dataset(CamvidData(dataset="camvid", root=camvid_root))
    pairs = [dataset.load("train", index) for index in (0, 100, 200, 300)]
    images = np.stack([image[::8, ::8] for image, _ in pairs])
    labels = np.stack([label[::8, ::8] for _, label in pairs])
    arithmetic = Arithmetic(TrainSettings(), torch.device("cpu"))
    normalised = arithmetic.normalise(torch.from_numpy(images).movedim(-1, 1))
    return normalised, torch.from_numpy(labels).long()


@pytest.fixture(params=MODELS)
def make(request):
    """Build a small one of each model from fixed weights."""

    def build(**settings):
        torch.manual_seed(0)
        return build_model(TrainSettings(model=request.param, width=8, **settings), CLASSES)

    return build


@pytest.mark.parametrize("size", [(97, 131), (64, 64)])
@pytest.mark.parametrize("training", [True, False])
def test_logits_have_the_size_of_the_images(make, size, training):
    logits = make().train(training)(torch.randn(2, 3, *size))
    assert logits.shape == (2, CLASSES, *size)
    assert logits.isfinite().all()


def test_smallest_size_works_and_one_pixel_less_names_it(make):
    model = make()
    side = model.smallest
    assert model(torch.randn(2, 3, side, side)).shape == (2, CLASSES, side, side)
    for size in ((side - 1, side), (side, side - 1)):
        with pytest.raises(SettingsError, match=f"at least {side}x{side} pixels"):
            model(torch.randn(2, 3, *size))


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_dropout_acts_exactly_when_it_is_asked_for(make, dropout):
    model, images = make(dropout=dropout).train(), torch.randn(2, 3, 32, 32)
    assert torch.equal(model(images), model(images)) is (dropout == 0)


def test_dropout_acts_in_training_only(make):
    model, images = make(dropout=0.5).eval(), torch.randn(2, 3, 32, 32)
    assert torch.equal(model(images), model(images))


def test_gradients_reach_every_parameter(make):
    model = make().train()
    target = torch.randint(0, CLASSES, (2, 32, 32))
    F.cross_entropy(model(torch.randn(2, 3, 32, 32)), target).backward()
    without = [name for name, weights in model.named_parameters() if not weights.grad.any()]
    assert without == []


def test_every_weight_is_in_the_encoder_the_decoder_or_the_classifier(make):
    assert [name for name, _ in make().named_children()] == ["encoder", "decoder", "classifier"]


def test_evaluation_of_an_image_does_not_depend_on_its_batch(make):
    model, images = make().eval(), torch.randn(3, 3, 40, 48)
    torch.testing.assert_close(model(images)[1:2], model(images[1:2]), atol=1e-5, rtol=1e-4)


def test_four_real_images_can_be_learned_by_heart(make, four_street_images):
    images, labels = four_street_images
    model = make()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(400):
        loss = F.cross_entropy(model(images), labels, ignore_index=CLASSES)
        if loss < 0.2:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = model(images).argmax(dim=1)[labels != CLASSES] == labels[labels != CLASSES]
    assert right.float().mean() > 0.9
