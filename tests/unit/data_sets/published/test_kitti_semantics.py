from collections import Counter

import pytest

from searchctl.trainer.data.sets.published.kitti_semantics import KittiSemantics
from searchctl.trainer.data.settings import KittiSemanticsData
from tests.images.official_layouts import write_kitti_semantics


def kitti(root):
    return KittiSemantics(
        KittiSemanticsData(dataset="kitti_semantics", root=root, image_size=(24, 80))
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """As many images as there are, tiny."""
    return write_kitti_semantics(tmp_path_factory.mktemp("kitti"), images=200, size=(3, 4))


def test_the_settings_count_the_whole_data_set(root):
    dataset = kitti(root)
    data = KittiSemanticsData(dataset="kitti_semantics", root=root, image_size=(24, 80))
    assert data.counts() == {s: len(dataset.names(s)) for s in ("train", "val", "test")}


def test_only_frames_10_of_the_training_directory_are_images(root):
    names = {*kitti(root).names("train"), *kitti(root).names("val")}
    assert names == {f"{number:06}_10" for number in range(200)}


def test_the_validation_images_are_the_same_for_everyone(root):
    names = kitti(root).names("val")
    assert names[:3] == ("000000_10", "000001_10", "000012_10")
    assert list(names) == sorted(names)


def test_ten_numbers_in_a_row_are_one_group(root):
    dataset = kitti(root)
    groups = Counter(
        dataset.group(split, index)
        for split in ("train", "val")
        for index in range(len(dataset.names(split)))
    )
    assert groups == {str(group): 10 for group in range(20)}
