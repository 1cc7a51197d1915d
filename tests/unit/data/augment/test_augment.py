import random
import subprocess
import sys

import numpy as np
import pytest

from searchctl.trainer.data.augment.chosen import augmenter
from searchctl.trainer.data.augment.presets import crop_of_half_or_more, scaled_by_half_to_two
from searchctl.trainer.settings import catalog

RANDOM = [name for name in catalog.AUGMENTATIONS if name != "none"]
CROPS = ["flip_crop", "scale_crop_jitter"]
SIZE = HEIGHT, WIDTH = 24, 40
IGNORED = 200


@pytest.fixture(scope="module")
def pair():
    """An image whose pixels are all different, and a mask of two far apart ids."""
    image = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint32).reshape(HEIGHT, WIDTH, 3) % 251
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    mask[:, WIDTH // 2 :] = 90
    return image.astype(np.uint8), mask


@pytest.fixture(params=RANDOM)
def used(request):
    return augmenter(request.param, SIZE, IGNORED)


def drawn(used, pair, name, epoch=1):
    return used.changed(*pair, 7, "augment", 0, epoch, name)


def test_size_and_types_stay_and_masks_are_never_interpolated(used, pair):
    for index in range(30):
        image, mask = drawn(used, pair, str(index))
        assert image.shape == (HEIGHT, WIDTH, 3)
        assert mask.shape == (HEIGHT, WIDTH)
        assert image.dtype == mask.dtype == np.uint8
        assert set(np.unique(mask).tolist()) <= {0, 90, IGNORED}


@pytest.mark.parametrize("name", CROPS)
@pytest.mark.parametrize("native", [(50, 30), (9, 11)])
def test_images_of_any_size_come_out_at_the_training_size(name, native):
    pair = np.zeros((*native, 3), dtype=np.uint8), np.zeros(native, dtype=np.uint8)
    for index in range(30):
        image, mask = drawn(augmenter(name, SIZE, IGNORED), pair, str(index))
        assert (image.shape, mask.shape) == ((HEIGHT, WIDTH, 3), (HEIGHT, WIDTH))


def test_what_is_drawn_depends_on_image_and_epoch_alone(used, pair):
    names = [str(index) for index in range(12)]
    first = {name: drawn(used, pair, name)[0].tobytes() for name in names}
    again = {name: drawn(used, pair, name)[0].tobytes() for name in reversed(names)}
    later = {name: drawn(used, pair, name, epoch=2)[0].tobytes() for name in names}
    assert first == again != later
    assert len(set(first.values())) > 2


def test_the_label_of_a_whole_image_stays_as_it_is(used, pair):
    of_image = np.full((1, 1), 90, dtype=np.uint8)
    for index in range(20):
        image, label = drawn(used, (pair[0], of_image), str(index))
        assert image.tobytes() == drawn(used, pair, str(index))[0].tobytes()
        assert label.tolist() == [[90]]


def test_arguments_are_not_changed(used, pair):
    before = [array.copy() for array in pair]
    for array in pair:
        array.flags.writeable = False
    for index in range(20):
        drawn(used, pair, str(index))
    assert all(map(np.array_equal, pair, before))


def test_padding_is_ignored():
    used = augmenter("scale_crop_jitter", SIZE, IGNORED)
    full = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    picture = np.full((HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
    draws = [drawn(used, (picture, full), str(index)) for index in range(20)]
    # colours are jittered after the padding, so that it is dark but not black
    padded = [(image, mask) for image, mask in draws if (mask == IGNORED).any()]
    assert padded
    assert all(image[mask == IGNORED].max() < image[mask == 0].min() for image, mask in padded)


def test_images_and_masks_are_mirrored_together():
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    mask[:5, :9] = 90
    image = np.repeat(mask[..., None], 3, axis=2)
    draws = [
        drawn(augmenter("flips", SIZE, IGNORED), (image, mask), str(index)) for index in range(20)
    ]
    assert all(np.array_equal(image[..., 0], mask) for image, mask in draws)
    # all four ways: one flip does not follow from the other
    assert len({mask.tobytes() for _, mask in draws}) == 4


@pytest.mark.parametrize("name", CROPS)
def test_images_and_masks_are_cut_alike(name):
    mask = np.zeros((3 * HEIGHT, 3 * WIDTH), dtype=np.uint8)
    mask[20:50, 30:90] = 90
    image = np.repeat(mask[..., None], 3, axis=2)
    for index in range(20):
        seen, label = drawn(augmenter(name, SIZE, IGNORED), (image, mask), str(index))
        bright = seen[..., 0] > seen[..., 0].max() / 2
        assert ((label == 90) == bright).mean() > 0.95


def windows(draw):
    return [draw(random.Random(seed)) for seed in range(500)]


def test_a_crop_is_half_to_all_of_the_image_and_lies_in_it():
    crops = windows(crop_of_half_or_more)
    areas = [crop.height * crop.width for crop in crops]
    assert 0.5 <= min(areas) < 0.52
    assert 0.98 < max(areas) <= 1.0
    for crop in crops:
        assert 3 / 4 <= crop.height / crop.width <= 4 / 3
        assert crop.top >= 0 <= crop.left
        assert crop.top + crop.height <= 1 >= crop.left + crop.width


def test_a_scale_is_half_to_two_and_keeps_the_shape():
    scaled = windows(scaled_by_half_to_two)
    scales = [1 / window.height for window in scaled]
    assert 0.5 <= min(scales) < 0.52
    assert 1.98 < max(scales) <= 2.0
    assert all(window.height == window.width for window in scaled)
    for window in scaled:
        low, high = sorted((0.0, 1 - window.height))
        assert low <= window.top <= high
        assert low <= window.left <= high


def test_none_does_not_import_albumentations():
    code = (
        "import sys, searchctl.trainer.data.loader; "
        "from searchctl.trainer.data.augment.chosen import augmenter; "
        "augmenter('none', (8, 8), 255); sys.exit('albumentations' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
