import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.published.cityscapes import Cityscapes
from searchctl.trainer.data.sets.published.cityscapes_labels import LABELS
from searchctl.trainer.data.settings import CityscapesData
from tests.images.official_layouts import save, write_cityscapes

TRAIN_IDS = {
    7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12,
    26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18,
}  # fmt: skip


@pytest.fixture
def root(tmp_path):
    return write_cityscapes(tmp_path)


def cityscapes(root, **changes):
    return Cityscapes(
        CityscapesData(dataset="cityscapes", root=root, image_size=(32, 64), **changes)
    )


def label_of_all_ids(root, **changes):
    dataset = cityscapes(root, **changes)
    ids = np.resize(np.arange(34, dtype=np.uint8), (32, 64))
    save(dataset.pairs("val")[0].mask, ids)
    return dataset.load("val", 0)[1].ravel()[:34].tolist()


def test_label_ids_become_the_benchmarks_train_ids(root):
    assert label_of_all_ids(root) == [TRAIN_IDS.get(label_id, 255) for label_id in range(34)]
    names = cityscapes(root).class_names
    assert names[:3] == ("road", "sidewalk", "building")
    assert names[-1] == "bicycle"


@pytest.mark.parametrize(("labels", "classes", "ignored"), [("annotated", 30, 4), ("all", 34, 0)])
def test_other_classes_keep_the_order_of_the_ids(root, labels, classes, ignored):
    expected = [255] * ignored + list(range(classes))
    assert label_of_all_ids(root, labels=labels) == expected
    assert len(cityscapes(root, labels=labels).class_names) == classes


def test_the_colours_of_the_benchmarks_classes_are_the_official_ones(root):
    colours = dict(zip(cityscapes(root).class_names, cityscapes(root).palette, strict=True))
    assert colours["road"] == (128, 64, 128)
    assert colours["rider"] == (255, 0, 0)
    assert len(LABELS) == 34


def test_a_mask_of_train_ids_is_refused(root):
    dataset = cityscapes(root)
    mask = dataset.pairs("train")[1].mask
    save(mask, np.resize(np.array([0, 18, 255], np.uint8), (32, 64)))
    with pytest.raises(DataError, match=rf"{mask}: class id 255 .* 0\.\.33 .*labelTrainIds"):
        dataset.load("train", 1)


def test_a_colour_mask_in_place_of_ids_is_refused(root):
    dataset = cityscapes(root)
    mask = dataset.pairs("train")[0].mask
    Image.new("RGB", (64, 32)).save(mask)
    with pytest.raises(DataError, match=rf"{mask}: .* is a picture of mode RGB"):
        dataset.load("train", 0)


def test_the_dummy_labels_of_the_test_split_are_never_scored(root):
    assert cityscapes(root).names("test") == ()


def test_some_cities_alone_will_do_with_all_masks(root):
    whole = cityscapes(root).names("train")
    for image in (root / "leftImg8bit" / "train" / "bochum").iterdir():
        image.unlink()
    part = cityscapes(root)
    part.check()
    assert part.names("train") == tuple(name for name in whole if name.startswith("aachen"))


def test_a_split_without_images_is_named(root):
    for city in (root / "leftImg8bit" / "val").iterdir():
        for image in city.iterdir():
            image.unlink()
    with pytest.raises(DataError, match=r"leftImg8bit/val: holds no CITY/\*_leftImg8bit\.png"):
        cityscapes(root).check()


def test_images_of_a_sequence_are_one_group(root):
    for frame in ("000294", "000576"):
        name = f"val/frankfurt/frankfurt_000001_{frame}"
        save(root / "leftImg8bit" / f"{name}_leftImg8bit.png", np.zeros((4, 4, 3), np.uint8))
    dataset = cityscapes(root)
    groups = [dataset.group("val", index) for index in range(len(dataset.names("val")))]
    assert groups == ["frankfurt_000000", "frankfurt_000001", "frankfurt_000001", "lindau_000001"]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [(None, {"train": 2975, "val": 500, "test": 0}), (1000, {"train": 1000})],
)
def test_a_plan_has_the_published_counts_unless_the_settings_state_others(
    tmp_path, stated, expected
):
    data = CityscapesData(
        dataset="cityscapes", root=tmp_path, image_size=(32, 64), train_images=stated
    )
    assert data.counts() == expected
