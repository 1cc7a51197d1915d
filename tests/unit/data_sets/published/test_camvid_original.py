import numpy as np
import pytest
from pydantic import ValidationError

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.published.camvid import Camvid
from searchctl.trainer.data.sets.published.camvid_frames import segnet_split
from searchctl.trainer.data.sets.published.camvid_original import GROUPS
from searchctl.trainer.data.sets.street_classes import CLASS_NAMES
from searchctl.trainer.data.settings import CamvidData
from tests.images.official_layouts import (
    camvid_frames,
    save,
    write_camvid,
    write_camvid_directories,
    write_camvid_original,
)

SPLITS = ("train", "val", "test")
WRITERS = {"one directory": write_camvid_original, "three": write_camvid_directories}


def camvid(root, **changes):
    return Camvid(CamvidData(dataset="camvid", root=root, **{"layout": "original", **changes}))


@pytest.fixture(params=list(WRITERS))
def root(request, tmp_path):
    return WRITERS[request.param](tmp_path)


def decoded(root, colours):
    dataset = camvid(root)
    save(dataset.pairs("val")[0].mask, np.resize(np.array(colours, np.uint8), (24, 32, 3)))
    return dataset.load("val", 0)[1].ravel()[: len(colours)].tolist()


def test_thirty_two_colours_become_eleven_classes_and_void():
    assert tuple(GROUPS) == CLASS_NAMES
    colours = [colour for group in GROUPS.values() for colour in group.values()]
    assert len({*colours, (0, 0, 0)}) == 32


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((0, 0, 192), "Pavement"),
        ((60, 40, 222), "Pavement"),
        ((64, 192, 0), "Building"),
        ((0, 0, 64), "Pole"),
        ((128, 0, 192), "Road"),
        ((64, 128, 64), "Pedestrian"),
        ((192, 0, 192), "Bicyclist"),
        ((64, 128, 192), "Car"),
    ],
)
def test_a_colour_is_of_the_class_that_segnet_puts_it_into(root, colour, name):
    assert decoded(root, [colour, (0, 0, 0)]) == [CLASS_NAMES.index(name), 11]


def test_both_layouts_have_the_same_classes_and_splits(tmp_path):
    segnet = camvid(write_camvid(tmp_path / "segnet"), layout="segnet")
    original = camvid(write_camvid_original(tmp_path / "original"))
    assert segnet.class_names == original.class_names
    assert segnet.ignore_index == original.ignore_index
    for split in SPLITS:
        assert (
            set(segnet.names(split)) == set(original.names(split)) == set(camvid_frames(6)[split])
        )


def test_the_rule_of_the_splits_gives_the_real_lists(camvid_root):
    real = camvid(camvid_root, layout="segnet")
    assert all(segnet_split(name) == split for split in SPLITS for name in real.names(split))


def test_whole_recordings_can_be_kept_apart(root):
    dataset = camvid(root, split="by_sequence")
    assert dataset.names("val") == ("0006R0_f00930", "0006R0_f00960")


def test_directories_are_taken_as_they_are_on_request(tmp_path):
    write_camvid_directories(tmp_path)
    (tmp_path / "train" / "0001TP_006690.png").rename(tmp_path / "test" / "0001TP_006690.png")
    labels = "0001TP_006690_L.png"
    (tmp_path / "train_labels" / labels).rename(tmp_path / "test_labels" / labels)
    assert "0001TP_006690" in camvid(tmp_path).names("train")
    assert "0001TP_006690" in camvid(tmp_path, split="directories").names("test")


def test_one_directory_says_nothing_of_splits(tmp_path):
    write_camvid_original(tmp_path)
    with pytest.raises(DataError, match=r"0001TP_006690\.png: is in none of train/, val/ and test"):
        camvid(tmp_path, split="directories").check()


def test_a_few_pixels_of_an_unknown_colour_are_ignored(root):
    assert decoded(root, [(1, 2, 3)] + [(128, 128, 128)] * 767)[0] == 11


def test_many_pixels_of_an_unknown_colour_are_refused(root):
    with pytest.raises(DataError, match=r"_L\.png: 50\.0 % .* \(1, 2, 3\): it was resized"):
        decoded(root, [(1, 2, 3), (128, 128, 128)])


def test_a_frame_of_no_recording_is_named(root):
    directory = camvid(root).pairs("train")[0].image.parent
    save(directory / "holiday_1.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(DataError, match=r"holiday_1\.png: no recording of CamVid is called holi"):
        camvid(root).check()


def test_segnets_layout_in_place_of_the_original_is_named(tmp_path):
    write_camvid(tmp_path)
    with pytest.raises(DataError, match=r"holds neither 701_StillsRaw_full/ .* layout not segnet"):
        camvid(tmp_path).check()


def test_directories_and_segnets_lists_exclude_each_other(tmp_path):
    with pytest.raises(ValidationError, match="goes with layout: original"):
        camvid(tmp_path, layout="segnet", split="directories")


@pytest.mark.parametrize(
    ("split", "counts"),
    [
        ("official", {"train": 367, "val": 101, "test": 233}),
        ("by_sequence", {"train": 429, "val": 101, "test": 171}),
        ("directories", None),
    ],
)
def test_a_plan_knows_the_published_counts(tmp_path, split, counts):
    data = CamvidData(dataset="camvid", root=tmp_path, layout="original", split=split)
    assert data.counts() == counts
