"""Predictions at an image's own size, by networks with known outputs."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from searchctl.trainer.evaluation.inference import Predictor, crop_corners, scaled
from searchctl.trainer.models.base import Encoder, SegmentationModel
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.training import TrainSettings
from tests.networks.tiny_models import VARIANTS, settled, tiny

CLASSES = 3
ARITHMETIC = Precision(TrainSettings(), torch.device("cpu"))
SLIDING = {"mode": "sliding_window"}
MANY = {"flip": True, "scales": [0.5, 1.0, 1.5]}


class Pixelwise(SegmentationModel):
    """Each pixel's logits are of that pixel alone."""

    smallest = 1

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(), nn.Identity()
        self.encoder.forward = lambda images: images
        self.classifier = nn.Conv2d(3, CLASSES, kernel_size=1)


@pytest.fixture
def pixelwise():
    torch.manual_seed(0)
    return Pixelwise().eval()


def image_of(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def predicted(model, image, window=(16, 24), **options):
    inference = Inference.model_validate(options)
    predictor = Predictor(model, ARITHMETIC, inference, image_size=window, batch_size=3)
    with torch.inference_mode():
        return predictor.log_probabilities(image, image.shape[:2])


def directly(model, image):
    pixels = torch.tensor(image).permute(2, 0, 1).unsqueeze(0)
    with torch.inference_mode():
        return ARITHMETIC.logits(model, pixels).log_softmax(dim=1)


@pytest.mark.parametrize("overlap", [0, 1 / 3, 0.5, 0.9])
@pytest.mark.parametrize("length", [16, 17, 31, 32, 33, 100])
def test_windows_cover_an_image_and_overlap_as_much_as_requested(length, overlap):
    starts = [x for _, x in crop_corners((16, length), (16, 16), overlap)]
    steps = np.diff(starts)
    assert (starts[0], starts[-1]) == (0, length - 16)
    assert (steps > 0).all()
    assert (16 - steps >= round(16 * overlap)).all()


def test_windows_are_no_more_than_are_needed():
    assert crop_corners((48, 64), (48, 64), 1 / 3) == [(0, 0)]
    assert crop_corners((100, 200), (100, 100), 0) == [(0, 0), (0, 100)]
    assert len(crop_corners((1024, 2048), (768, 768), 1 / 3)) == 2 * 4


@pytest.mark.parametrize("size", [(16, 24), (41, 57), (50, 24), (5, 7)])
@pytest.mark.parametrize("options", [{"mode": "whole"}, SLIDING])
@pytest.mark.parametrize("flip", [False, True])
def test_a_network_of_single_pixels_sees_no_windows_and_no_mirrors(pixelwise, size, options, flip):
    image = image_of(*size)
    found = predicted(pixelwise, image, **options, flip=flip)
    torch.testing.assert_close(found, directly(pixelwise, image), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [(16, 24), (41, 57), (5, 7)])
@pytest.mark.parametrize("mode", ["resized", "whole", "sliding_window"])
@pytest.mark.parametrize("options", [{}, MANY], ids=["one", "many"])
def test_the_same_logits_everywhere_give_the_same_probabilities(pixelwise, size, mode, options):
    nn.init.zeros_(pixelwise.classifier.weight)
    found = predicted(pixelwise, image_of(*size), mode=mode, **options)
    expected = pixelwise.classifier.bias.detach().log_softmax(dim=0).view(1, -1, 1, 1)
    assert found.shape == (1, CLASSES, *size)
    torch.testing.assert_close(found, expected.expand_as(found), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("flip", [False, True])
def test_an_image_of_one_window_is_predicted_as_a_whole(flip):
    model, image = tiny("unet", CLASSES).eval(), image_of(32, 48)
    windows = predicted(model, image, (32, 48), **SLIDING, flip=flip)
    assert torch.equal(windows, predicted(model, image, (32, 48), mode="whole", flip=flip))


@pytest.mark.parametrize("options", [{"mode": "whole"}, SLIDING, {"mode": "resized"}])
def test_a_mirrored_image_has_the_mirrored_answer(options):
    model, image = tiny("simple_fcn", CLASSES).eval(), image_of(32, 48)
    found, mirrored = (
        predicted(model, each, (32, 48), flip=True, **options)
        for each in (image, np.ascontiguousarray(image[:, ::-1]))
    )
    assert torch.equal(found.flip(-1), mirrored)
    once = predicted(model, image, (32, 48), **options)
    assert not torch.allclose(once, found, atol=1e-3)


def test_views_and_windows_are_averaged_as_probabilities():
    model, image = tiny("simple_fcn", CLASSES).eval(), image_of(32, 72)
    found = predicted(model, image, (32, 48), **SLIDING, overlap=0.5, flip=True)
    total, count = torch.zeros(CLASSES, 32, 72), torch.zeros(32, 72)
    for mirrored, x in product([False, True], [0, 24]):
        seen = image[:, ::-1] if mirrored else image
        part = directly(model, np.ascontiguousarray(seen[:, x : x + 48])).exp()[0]
        where = slice(72 - x - 48, 72 - x) if mirrored else slice(x, x + 48)
        total[..., where] += part.flip(-1) if mirrored else part
        count[:, where] += 1
    # a pixel in two windows of one view counts as much in each view
    torch.testing.assert_close(found.exp()[0], total / count, atol=1e-5, rtol=1e-5)


def test_a_probability_too_small_for_a_float_has_a_finite_logarithm(pixelwise):
    with torch.no_grad():
        pixelwise.classifier.weight.zero_()
        pixelwise.classifier.bias.copy_(torch.tensor([500.0, 0.0, 0.0]))
    found = predicted(pixelwise, image_of(20, 30), **SLIDING, flip=True)
    torch.testing.assert_close(found[:, 1], torch.full((1, 20, 30), -500.0))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("mode", ["whole", "sliding_window"])
def test_every_network_predicts_images_of_odd_and_small_sizes(variant, mode):
    model = settled(tiny(variant), torch.rand(2, 3, 64, 64))
    for size in ((71, 133), (9, 300)):
        found = predicted(model, image_of(*size), (64, 64), mode=mode)
        assert found.shape[-2:] == size
        assert found.isfinite().all()


def test_scales_are_multiples_in_whole_pixels():
    assert scaled((360, 480), 1.0) == (360, 480)
    assert scaled((3, 5), 0.01) == (1, 1)


@pytest.mark.parametrize("options", [{"mode": "whole"}, SLIDING, {"mode": "resized"}])
@pytest.mark.parametrize("many", [{}, MANY], ids=["one", "many"])
def test_a_group_is_predicted_as_its_images_are_alone(options, many):
    model = settled(tiny("unet", CLASSES), torch.rand(2, 3, 32, 48))
    sizes = [(41, 57), (41, 57), (41, 57)]
    if options["mode"] == "resized":
        sizes[1] = (20, 31)
    images = [np.roll(image_of(*size), 7 * place) for place, size in enumerate(sizes)]
    inference = Inference.model_validate({**options, **many})
    predictor = Predictor(model, ARITHMETIC, inference, image_size=(32, 48), batch_size=4)
    with torch.inference_mode():
        together = predictor.of_group(images, sizes)
        for found, image, size in zip(together, images, sizes, strict=True):
            alone = predictor.log_probabilities(image, size)
            assert torch.equal(found.argmax(dim=1), alone.argmax(dim=1))
            torch.testing.assert_close(found, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "size", "most"),
    [
        ({"mode": "resized", "flip": True}, (500, 500), 8),
        ({"mode": "resized", "scales": [0.5, 2.0]}, (500, 500), 2),
        ({"mode": "whole"}, (64, 96), 2),
        ({"mode": "whole"}, (16, 24), 8),
        ({"mode": "whole"}, (500, 500), 1),
        (SLIDING, (500, 500), 8),
        (SLIDING, (2000, 3000), 3),
        (SLIDING, (20_000, 3000), 1),
    ],
)
def test_a_group_has_no_more_pixels_and_predictions_than_fit(pixelwise, options, size, most):
    inference = Inference.model_validate(options)
    predictor = Predictor(pixelwise, ARITHMETIC, inference, image_size=(32, 48), batch_size=8)
    assert predictor.group_size(np.empty((*size, 3), np.uint8), size, CLASSES) == most
