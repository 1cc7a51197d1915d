import numpy as np
import pytest

from searchctl.trainer.data.sets.scenes import Scenes
from searchctl.trainer.data.settings import ScenesData

RARE = ("Pole", "SignSymbol", "Fence", "Car", "Pedestrian", "Bicyclist")


def scenes(**changes):
    return Scenes(ScenesData(dataset="scenes", **changes))


@pytest.fixture(scope="module")
def labels():
    dataset = scenes(train=60)
    return np.stack([dataset.load("train", index)[1] for index in range(60)])


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (33, 70), (200, 100)])
def test_scenes_are_drawn_at_any_size(size):
    image, label = scenes(native_size=size).load("val", 3)
    assert image.shape == (*size, 3)
    assert label.shape == size


def test_a_scene_does_not_depend_on_how_many_there_are():
    few, many = scenes(train=5).load("train", 4), scenes(train=500).load("train", 4)
    assert np.array_equal(few[0], many[0])


def test_splits_and_seeds_give_other_scenes():
    of = scenes().load("train", 0)[0]
    assert not np.array_equal(of, scenes().load("val", 0)[0])
    assert not np.array_equal(of, scenes(seed=1).load("train", 0)[0])


@pytest.mark.parametrize("name", RARE)
def test_rare_classes_are_in_some_scenes_only(labels, name):
    share = (labels == Scenes.class_names.index(name)).any(axis=(1, 2)).mean()
    assert 0.15 < share < 0.97


def test_no_class_is_most_of_the_picture_and_some_is_void(labels):
    shares = np.bincount(labels.ravel(), minlength=12) / labels.size
    assert shares[:11].max() < 0.45
    assert 0.005 < shares[11] < 0.1


def test_the_fingerprint_changes_with_seed_and_size():
    parts = {scenes(**c).fingerprint_parts()[0] for c in ({}, {"seed": 1}, {"native_size": (9, 9)})}
    assert len(parts) == 3
