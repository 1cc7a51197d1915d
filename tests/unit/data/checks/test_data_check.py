"""The check of a data set, on folders of small images with deliberate mistakes."""

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.data.checks.check import check_data
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.settings import FolderData, ImageFolderData, ScenesData
from searchctl.trainer.pictures.contact_sheet import COLUMNS, Example, contact_sheet

CLASSES = ["floor", "wall", "door"]


@pytest.fixture
def folder(tmp_path):
    """A data set of three splits, the label of each image split at a row between two classes."""
    for split, images in (("train", 4), ("val", 2), ("test", 2)):
        for number in range(images):
            write(tmp_path, split, f"{split}{number}", number)
    return tmp_path


def write(root, split, name, number, size=(8, 12)):
    noise = np.random.default_rng([len(split), ord(split[0]), number])
    image = noise.integers(0, 256, (*size, 3), dtype=np.uint8)
    label = np.full(size, 255, dtype=np.uint8)
    label[2:5], label[5:] = 0, 1 + number % 2
    for kind, pixels in (("images", image), ("masks", label)):
        (root / split / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / split / kind / f"{name}.png")


def dataset_of(root):
    settings = FolderData(dataset="folder", root=root, image_size=(8, 12), classes=CLASSES)
    return build_dataset.__wrapped__(settings)  # its own: files change between two looks


def report_of(root):
    return check_data(dataset_of(root))


def test_a_sound_data_set_has_no_problem_and_nothing_to_warn_of(folder):
    report = report_of(folder)
    assert (report.problems, report.warnings) == ((), ())
    assert [len(split.names) for split in report.splits] == [4, 2, 2]


def test_pixels_and_images_of_classes_are_counted_without_the_unlabeled_ones(folder):
    train = report_of(folder).splits[0]
    assert train.class_images.tolist() == [4, 2, 2]
    np.testing.assert_allclose(train.class_shares, [3 / 6, 1.5 / 6, 1.5 / 6])
    assert train.unlabeled.tolist() == [0.25] * 4
    assert train.unlabeled_share == 0.25
    assert train.histogram.tolist() == [0, 0, 4, 0, 0, 0, 0, 0, 0, 0]


def test_unlabeled_share_of_all_pixels_weighs_images_by_their_size(folder):
    write(folder, "train", "large", 9, size=(80, 12))
    train = report_of(folder).splits[0]
    assert train.unlabeled_share == pytest.approx((4 * 2 + 2) / (4 * 8 + 80))
    assert train.sizes == {(8, 12): 4, (80, 12): 1}


def test_every_broken_file_is_named_and_the_others_are_read(folder):
    masks, images = folder / "train" / "masks", folder / "val" / "images"
    (images / "val0.png").write_bytes(b"no picture")
    whole = (masks / "train1.png").read_bytes()
    (masks / "train1.png").write_bytes(whole[:60])
    Image.fromarray(np.full((8, 12), 7, dtype=np.uint8)).save(masks / "train2.png")
    Image.fromarray(np.zeros((3, 12), dtype=np.uint8)).save(masks / "train3.png")
    report = report_of(folder)
    named = ("images/val0.png", "masks/train1.png", "masks/train2.png", "masks/train3.png")
    assert len(report.problems) == 4
    assert all(any(name in problem for problem in report.problems) for name in named)
    assert [len(split.read) for split in report.splits] == [1, 1, 2]
    assert report.splits[0].spread(5) == [0]


def test_a_missing_directory_is_a_problem_not_a_traceback(tmp_path):
    report = report_of(tmp_path / "nowhere")
    assert "nowhere" in report.problems[0]
    assert [split.names for split in report.splits] == [(), (), ()]


def test_classes_that_a_split_does_not_hold_are_warned_of(folder):
    (folder / "val" / "masks" / "val1.png").unlink()
    (folder / "val" / "images" / "val1.png").unlink()
    assert "no image of val holds door" in report_of(folder).warnings


def test_an_image_without_any_label_is_warned_of(folder):
    blank = Image.fromarray(np.full((8, 12), 255, dtype=np.uint8))
    blank.save(folder / "train" / "masks" / "train0.png")
    assert "train has 1 image (train0.png) without any labeled pixel" in report_of(folder).warnings


def test_equal_images_of_two_splits_are_warned_of_under_any_name_and_format(folder):
    images = folder / "train" / "images"
    Image.open(images / "train3.png").save(folder / "test" / "images" / "test1.png", optimize=True)
    (warning,) = report_of(folder).warnings
    assert warning == "train and test share 1 equal image (train3.png = test1.png)"


def test_a_name_of_two_different_images_is_warned_of(folder):
    write(folder, "val", "train0", 5)
    (warning,) = report_of(folder).warnings
    assert warning == "train and val share 1 name (train0.png) of different images"


def test_groups_that_two_splits_share_are_warned_of(camvid_root):
    from searchctl.trainer.data.settings import CamvidData

    data = CamvidData(dataset="camvid", root=camvid_root)

    class FewOfCamvid(type(build_dataset(data))):
        """Every tenth image is enough."""

        def pairs(self, split):
            return super().pairs(split)[::10]

    (warning,) = [w for w in check_data(FewOfCamvid(data)).warnings if "train and val" in w]
    assert warning.startswith("train and val share 1 group (0016E5/26) of images")


def test_progress_is_reported_for_each_image():
    reported = []
    scenes = ScenesData(dataset="scenes", train=3, val=2, test=1)
    check_data(build_dataset(scenes), lambda done, total: reported.append((done, total)))
    assert reported == [(done, 6) for done in range(1, 7)]


def test_classes_of_whole_images_are_shares_of_images(tmp_path):
    for number, name in enumerate(("train/a/1", "train/a/2", "train/b/3", "val/a/4")):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 8), (number, 0, 0)).save(path)
    settings = ImageFolderData(dataset="image_folder", root=tmp_path, image_size=(8, 12))
    report = check_data(build_dataset.__wrapped__(settings))
    train, val, _ = report.splits
    assert train.class_images.tolist() == [2, 1]
    np.testing.assert_allclose(train.class_shares, [2 / 3, 1 / 3])
    assert (train.unlabeled_share, val.sizes) == (0, {(8, 12): 1})
    assert report.warnings == ("no image of val holds b",)


def test_examples_are_spread_over_a_split():
    scenes = ScenesData(dataset="scenes", train=10, val=1, test=1)
    train, val, _ = check_data(build_dataset(scenes)).splits
    assert train.spread(4) == [0, 3, 6, 9]
    assert (train.spread(1), val.spread(6)) == ([0], [0])


def sheet_of(dataset, *examples):
    sheet = contact_sheet(dataset, "title", [("train", examples)])
    return np.asarray(sheet).reshape(-1, 3)


def test_a_sheet_shows_images_classes_and_stripes(folder):
    dataset = dataset_of(folder)
    image, label = dataset.load("train", 0)
    seen = sheet_of(dataset, Example("a", image * 0 + 255, label))
    grey = 0.4 * 255
    for class_id in (0, 1):
        colour = (0.6 * np.array(dataset.palette[class_id]) + grey).astype(np.uint8)
        assert (seen == colour).all(axis=1).sum() > 1000
    unlabeled = (seen == 217).all(axis=1).sum() + (seen == 0).all(axis=1).sum()
    assert unlabeled > 1000


def test_a_sheet_has_as_many_rows_as_are_needed(folder):
    dataset = dataset_of(folder)
    example = Example("a" * 200, *dataset.load("train", 0))
    heights = [
        contact_sheet(dataset, "t", [("train", [example] * count)]).height
        for count in (1, COLUMNS, COLUMNS + 1)
    ]
    assert heights[0] == heights[1] < heights[2]


def test_a_label_of_a_whole_image_is_named_below_it(folder):
    dataset = dataset_of(folder)
    image, _ = dataset.load("train", 0)
    shown = [
        sheet_of(dataset, Example("a", image, np.full((1, 1), each, dtype=np.uint8)))
        for each in (0, 2)
    ]
    assert shown[0].shape == shown[1].shape
    assert not np.array_equal(*shown)
