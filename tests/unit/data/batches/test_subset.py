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


@pytest.fixture(scope="module")
def camvid_orders(camvid_pixels):
    return [nested_order(camvid_pixels, seed) for seed in range(20)]


def image_share_gap(pixels, chosen):
    """Largest difference between a class's share of the chosen images and of all images."""
    present = pixels > 0
    return np.abs(present[list(chosen)].mean(axis=0) - present.mean(axis=0)).max()


def pixel_share_gap(pixels, chosen):
    """Largest relative error of a class's share of the chosen images' pixels."""
    sampled, whole = pixels[list(chosen)].sum(axis=0), pixels.sum(axis=0)
    return np.abs(sampled / sampled.sum() / (whole / whole.sum()) - 1).max()


@pytest.mark.parametrize(("gap", "times"), [(image_share_gap, 2.4), (pixel_share_gap, 1.5)])
@pytest.mark.parametrize("denominator", [16, 8, 4, 2])
def test_on_camvid_shares_are_nearer_than_by_chance(
    camvid_pixels, camvid_orders, denominator, gap, times
):
    count = -(-len(camvid_pixels) // denominator)
    rng = np.random.default_rng(0)
    chance = [gap(camvid_pixels, rng.permutation(len(camvid_pixels))[:count]) for _ in range(101)]
    ours = [gap(camvid_pixels, order[:count]) for order in camvid_orders]
    assert np.mean(ours) < np.median(chance) / times


@pytest.mark.parametrize("denominator", [16, 8, 4])
def test_on_camvid_the_seeds_choose_all_images_alike(camvid_orders, denominator):
    images = len(camvid_orders[0])
    count = -(-images // denominator)
    chosen = np.concatenate([order[:count] for order in camvid_orders])
    times = np.bincount(chosen, minlength=images)
    never_by_chance = images * (1 - count / images) ** len(camvid_orders)
    assert (times == 0).sum() < never_by_chance * 1.3 + 2
    assert times.max() < 13
    assert times.var() < 1.5 * len(camvid_orders) * (count / images) * (1 - count / images)


def test_on_camvid_no_class_is_preferred(camvid_pixels, camvid_orders):
    present, count = camvid_pixels > 0, 23
    shares = np.mean([present[list(order[:count])].mean(axis=0) for order in camvid_orders], axis=0)
    assert shares / present.mean(axis=0) == pytest.approx(1, abs=0.05)


def test_on_camvid_one_image_covers_all_classes(camvid_pixels):
    assert (camvid_pixels[nested_order(camvid_pixels, 0)[0]] > 0).all()


def test_images_without_classes_are_ordered_too():
    assert sorted(nested_order(np.zeros((5, 2), dtype=np.int64), 0)) == [0, 1, 2, 3, 4]


def test_a_rare_class_is_in_the_first_image():
    pixels = np.ones((100, 3), dtype=np.int64)
    pixels[:, 2] = 0
    pixels[61, 2] = 5
    assert nested_order(pixels, 0)[0] == 61


def test_the_order_is_pinned_across_machines():
    pixels = np.arange(40).reshape(8, 5) * np.array([1, 0, 1, 2, 1]) % 7
    assert nested_order(pixels, 3) == (3, 7, 5, 4, 2, 6, 1, 0)


class Counted(np.ndarray):
    """An array that counts the numbers which arithmetic reads, its own and its results'."""

    read = 0

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        Counted.read += sum(np.size(each) for each in inputs)
        plain = [np.asarray(each) if isinstance(each, Counted) else each for each in inputs]
        out = options.pop("out", None)
        if out:
            options["out"] = tuple(np.asarray(each) for each in out)
        result = getattr(ufunc, method)(*plain, **options)
        if out:
            return out[0]
        return result.view(Counted) if isinstance(result, np.ndarray) else result


def operations(images):
    rng = np.random.default_rng(0)
    pixels = rng.integers(1, 1000, (images, 20)) * (rng.random((images, 20)) < 0.2)
    Counted.read = 0
    nested_order(pixels.view(Counted), 0)
    return Counted.read


def test_operations_grow_little_faster_than_the_images():
    few, many = operations(250), operations(1000)
    assert many < 4 * few * (np.log2(1000) / np.log2(250)) * 1.1
    assert few > 250 * 20  # they are counted


def test_progress_ends_with_all_images():
    seen = []
    nested_order(np.eye(7, 3, dtype=np.int64), 0, lambda *each: seen.append(each))
    assert seen[-1] == (7, 7)
    assert seen == sorted(seen)
