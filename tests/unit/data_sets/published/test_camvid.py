from collections import Counter

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.published.camvid import Camvid
from searchctl.trainer.data.settings import CamvidData


@pytest.fixture
def root(tmp_path):
    """A CamVid of one image a recording, with SegNet's absolute paths in its lists."""
    names = {"train": ["0001TP_006690", "0006R0_f00930"], "val": ["0016E5_07959"]}
    names["test"] = ["Seq05VD_f00000"]
    for split, stems in names.items():
        (tmp_path / split).mkdir()
        (tmp_path / f"{split}annot").mkdir()
        for stem in stems:
            Image.new("RGB", (6, 4), "gray").save(tmp_path / split / f"{stem}.png")
            Image.new("L", (6, 4), 11).save(tmp_path / f"{split}annot" / f"{stem}.png")
        home = "/SegNet/CamVid"
        lines = [f"{home}/{split}/{s}.png {home}/{split}annot/{s}.png" for s in stems]
        (tmp_path / f"{split}.txt").write_text("\n".join(lines) + "\n\n")
    return tmp_path


def camvid(root, split="official"):
    return Camvid(CamvidData(dataset="camvid", root=root, split=split))


def test_absolute_paths_in_the_lists_are_read_under_root(root):
    camvid(root).check()
    assert camvid(root).names("train") == ("0001TP_006690", "0006R0_f00930")


def test_by_sequence_keeps_each_recording_in_one_split(root):
    dataset = camvid(root, "by_sequence")
    assert dataset.names("train") == ("0001TP_006690", "0016E5_07959")
    assert dataset.names("val") == ("0006R0_f00930",)


def test_by_sequence_refuses_a_recording_it_does_not_know(root):
    (root / "val.txt").write_text("val/holiday_1.png valannot/holiday_1.png\n")
    with pytest.raises(
        DataError, match=r"holiday_1\.png: no recording of CamVid is called holiday"
    ):
        camvid(root, "by_sequence").names("train")


def test_a_malformed_list_line_is_named(root):
    (root / "val.txt").write_text("\nval/0016E5_07959.png\n")
    with pytest.raises(DataError, match=r"val\.txt:2: expected 'image label'"):
        camvid(root).check()


def test_a_wrong_root_is_named(tmp_path):
    with pytest.raises(DataError, match=r"train\.txt: cannot be read .* is `root` right"):
        camvid(tmp_path).check()


def test_an_id_out_of_range_is_named_with_file_value_and_allowed_ids(root):
    mask = root / "valannot" / "0016E5_07959.png"
    Image.new("L", (6, 4), 12).save(mask)
    with pytest.raises(DataError, match=rf"{mask}: class id 12 .* 0\.\.10 and 11 \(void\)"):
        camvid(root).load("val", 0)


def test_the_official_validation_split_is_hardly_a_group(camvid_root):
    dataset = camvid(camvid_root)
    assert len({dataset.group("val", index) for index in range(101)}) == 2


def test_by_sequence_gives_the_published_counts(camvid_root):
    dataset = camvid(camvid_root, "by_sequence")
    recordings = {
        split: Counter(name.split("_")[0] for name in dataset.names(split))
        for split in ("train", "val", "test")
    }
    assert recordings == {
        "train": {"0001TP": 124, "0016E5": 305},
        "val": {"0006R0": 101},
        "test": {"Seq05VD": 171},
    }


def test_real_labels_hold_the_class_shares_that_are_published(camvid_root):
    dataset = camvid(camvid_root)
    labels = np.concatenate([dataset.load("train", i)[1].ravel() for i in range(0, 367, 30)])
    shares = np.bincount(labels, minlength=12) / labels.size
    assert shares.argmax() == dataset.class_names.index("Road")
    assert 0.01 < shares[dataset.ignore_index] < 0.1


def test_the_lists_are_read(root):
    assert not [path for path in camvid(root).unused() if path.suffix == ".txt"]
