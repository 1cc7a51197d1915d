import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.published.sunrgbd import SunRgbd
from searchctl.trainer.data.sets.validation_split import validation_split
from searchctl.trainer.data.settings import SunRgbdData
from tests.images.official_layouts import save, write_sunrgbd, write_sunrgbd_reorganized


def settings(root, layout="export"):
    return SunRgbdData(dataset="sunrgbd", root=root, image_size=(32, 40), layout=layout)


def sun(root, layout="export"):
    return SunRgbd(settings(root, layout))


@pytest.fixture
def root(tmp_path):
    return write_sunrgbd(tmp_path)


@pytest.fixture
def reorganized(tmp_path):
    return write_sunrgbd_reorganized(tmp_path)


def test_labels_of_the_training_images_begin_at_5051(root):
    numbers = {
        (pair.image.name, pair.mask.name)
        for split in ("train", "val")
        for pair in sun(root).pairs(split)
    }
    assert ("img-000001.jpg", "img-005051.png") in numbers
    assert ("img-000191.jpg", "img-005241.png") in numbers
    assert all(int(mask[4:10]) - int(image[4:10]) == 5050 for image, mask in numbers)


def test_labels_of_the_test_images_come_first(root):
    pair = sun(root).pairs("test")[0]
    assert (pair.image.parent.name, pair.image.stem) == ("SUNRGBD-test_images", "img-000001")
    assert pair.mask.name == "img-000001.png"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_labels_of_any_width_are_counted_from_zero_and_unlabelled_is_ignored(root, dtype):
    dataset = sun(root)
    values = np.resize(np.arange(38), (32, 40))
    save(dataset.pairs("val")[0].mask, values.astype(dtype))
    assert dataset.load("val", 0)[1].ravel()[:38].tolist() == [255, *range(37)]


@pytest.mark.parametrize(("value", "dtype"), [(38, np.uint8), (300, np.uint16), (255, np.uint8)])
def test_other_values_are_named(root, value, dtype):
    dataset = sun(root)
    mask = dataset.pairs("train")[0].mask
    save(mask, np.full((32, 40), value, dtype))
    with pytest.raises(DataError, match=rf"{mask}: class id {value} .* 1\.\.37 and 0 \(unl"):
        dataset.load("train", 0)


def test_neighbouring_images_are_on_one_side(tmp_path):
    images = tmp_path / "SUNRGBD-train_images"
    images.mkdir()
    for number in range(1, 201):
        (images / f"img-{number:06}.jpg").touch()
    save(tmp_path / "SUNRGBD-test_images" / "img-000001.jpg", np.zeros((2, 2, 3), np.uint8))
    dataset = sun(tmp_path)
    train, val = (
        {dataset.group(split, index) for index in range(len(dataset.names(split)))}
        for split in ("train", "val")
    )
    assert not train & val
    assert (len(train), len(val)) == (18, 2)


def test_the_settings_count_the_whole_data_set(tmp_path):
    groups = [f"train/{index // 10}" for index in range(5285)]
    val = validation_split(set(groups), 10)
    held = sum(group in val for group in groups)
    assert settings(tmp_path).counts() == {"train": 5285 - held, "val": held, "test": 5050}


def test_the_reorganized_labels_have_their_images_numbers(reorganized):
    pair = sun(reorganized, "reorganized").pairs("train")[0]
    assert (pair.image.name, pair.mask.name) == ("img-000001.jpg", "00000001.png")


def test_the_reorganized_list_takes_its_images_out_of_the_test_split(reorganized):
    dataset = sun(reorganized, "reorganized")
    assert dataset.names("val") == ("test_000002", "test_000004")
    assert dataset.names("test") == ("test_000001", "test_000003")


def test_a_listed_image_that_is_not_there_is_named(reorganized):
    (reorganized / "image" / "test" / "img-000004.jpg").unlink()
    with pytest.raises(DataError, match=r"val37\.txt:2: .*test/img-000004\.jpg is not there"):
        sun(reorganized, "reorganized").check()


def test_a_png_that_is_a_jpeg_is_refused(root):
    dataset = sun(root)
    mask = dataset.pairs("train")[2].mask
    Image.new("L", (40, 32), 5).save(mask, "JPEG")
    with pytest.raises(DataError, match=rf"{mask}: is a JPEG file with lossy compression"):
        dataset.check()
