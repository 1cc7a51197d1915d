from collections import Counter

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.published.kitti_road import KittiRoad
from searchctl.trainer.data.settings import KittiRoadData
from tests.images.official_layouts import save, write_kitti_road


@pytest.fixture
def root(tmp_path):
    return write_kitti_road(tmp_path, images=18)


def settings(root):
    return KittiRoadData(dataset="kitti_road", root=root, image_size=(24, 80))


def kitti(root):
    return KittiRoad(settings(root))


def test_red_says_what_is_valid_and_blue_what_is_road(root):
    colours = [(255, 0, 255), (255, 0, 0), (0, 0, 0), (0, 0, 255)]
    dataset = kitti(root)
    save(dataset.pairs("val")[0].mask, np.resize(np.array(colours, np.uint8), (24, 80, 3)))
    assert dataset.load("val", 0)[1][0, :4].tolist() == [0, 1, 255, 255]
    assert dataset.class_names == ("Road", "Not_Road")


def test_lanes_of_the_own_car_are_never_paired(root):
    dataset = kitti(root)
    masks = {pair.mask.name for split in ("train", "val") for pair in dataset.pairs(split)}
    assert masks == {f"{kind}_road_{n:06}.png" for kind in ("um", "umm", "uu") for n in range(6)}


def test_a_fifth_of_each_category_validates(root):
    names = kitti(root).names("val")
    assert Counter(name.partition("_")[0] for name in names) == {"um": 1, "umm": 1, "uu": 1}
    assert names == ("um_000003", "umm_000002", "uu_000000")


def test_the_settings_count_the_whole_data_set(tmp_path):
    for category, count in (("um", 95), ("umm", 96), ("uu", 98)):
        for number in range(count):
            save(
                tmp_path / "training" / "image_2" / f"{category}_{number:06}.png",
                np.zeros((2, 2, 3), np.uint8),
            )
    dataset = kitti(tmp_path)
    counts = {split: len(dataset.names(split)) for split in ("train", "val", "test")}
    assert settings(tmp_path).counts() == counts


def test_jpeg_images_of_smaller_copies_are_read(root):
    path = kitti(root).pairs("train")[0].image
    with Image.open(path) as picture:
        picture.save(path.with_suffix(".jpg"))
    path.unlink()
    dataset = kitti(root)
    dataset.check()
    assert dataset.pairs("train")[0].image.suffix == ".jpg"


def test_an_interpolated_mask_is_refused(root):
    dataset = kitti(root)
    mask = dataset.pairs("train")[0].mask
    with Image.open(mask) as picture:
        picture.resize((40, 12)).resize((80, 24)).save(mask)
    with pytest.raises(DataError, match=rf"{mask}: .* % of a mask is in colours of no class"):
        dataset.load("train", 0)


def test_ten_numbers_of_a_category_are_one_group(root):
    dataset = kitti(root)
    groups = {dataset.group("train", index) for index in range(len(dataset.names("train")))}
    assert groups == {"um/0", "umm/0", "uu/0"}
