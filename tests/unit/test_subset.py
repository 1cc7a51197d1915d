import time

import numpy as np
import pytest

from searchctl.trainer.data.samples import load_split
from searchctl.trainer.data.settings import CamvidData
from searchctl.trainer.data.subset import nested_order


@pytest.fixture(scope="module")
def camvid_pixels(camvid_root):
    data = CamvidData(dataset="camvid", root=camvid_root, image_size=(45, 60))
    labels = load_split(data, "train").labels
    return np.array([np.bincount(label.ravel(), minlength=12)[:11] for label in labels])


def image_share_gap(pixels, chosen):
    """Largest difference between a class's share of the chosen images and of all images."""
    present = pixels > 0
    return np.abs(present[list(chosen)].mean(axis=0) - present.mean(axis=0)).max()


def pixel_share_gap(pixels, chosen):
    """Largest relative error of a class's share of the chosen images' pixels."""
    sampled, whole = pixels[list(chosen)].sum(axis=0), pixels.sum(axis=0)
    return np.abs(sampled / sampled.sum() / (whole / whole.sum()) - 1).max()


@pytest.mark.parametrize(("gap", "times"), [(image_share_gap, 4), (pixel_share_gap, 1.1)])
@pytest.mark.parametrize("denominator", [16, 8, 4, 2])
def test_on_camvid_it_beats_the_median_random_order(camvid_pixels, denominator, gap, times):
    count = -(-len(camvid_pixels) // denominator)
    rng = np.random.default_rng(0)
    chance = [gap(camvid_pixels, rng.permutation(len(camvid_pixels))[:count]) for _ in range(101)]
    ours = [gap(camvid_pixels, nested_order(camvid_pixels, seed)[:count]) for seed in range(3)]
    assert max(ours) < np.median(chance) / times


def test_on_camvid_one_image_covers_all_classes(camvid_pixels):
    assert (camvid_pixels[nested_order(camvid_pixels, 0)[0]] > 0).all()


def test_other_seeds_give_other_samples(camvid_pixels):
    first, second = (set(nested_order(camvid_pixels, seed)[:46]) for seed in (0, 1))
    assert len(first & second) < 23


def test_a_rare_class_is_in_the_first_image():
    pixels = np.ones((100, 3), dtype=np.int64)
    pixels[:, 2] = 0
    pixels[61, 2] = 5
    assert nested_order(pixels, 0)[0] == 61


def test_the_order_is_pinned_across_machines():
    pixels = np.arange(40).reshape(8, 5) * np.array([1, 0, 1, 2, 1]) % 7
    assert nested_order(pixels, 3) == (6, 7, 4, 1, 2, 5, 0, 3)


def test_three_thousand_images_of_37_classes_take_seconds():
    rng = np.random.default_rng(0)
    shares = np.linspace(0.02, 0.9, 37)
    pixels = rng.integers(1, 1000, (3000, 37)) * (rng.random((3000, 37)) < shares)
    started = time.process_time()
    nested_order(pixels, 0)
    assert time.process_time() - started < 10
