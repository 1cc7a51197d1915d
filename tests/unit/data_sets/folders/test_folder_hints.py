"""Messages about directories, lists and tables that are nearly right."""

import unicodedata

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.folders.folder import Folder
from searchctl.trainer.data.settings import FolderData


def put(root, *paths, value=0):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 6), value, dtype=np.uint8)).save(root / path)


def folder(root, **changes):
    settings = {"classes": ["a", "b"], "image_size": (8, 8), "test": 0, **changes}
    return Folder(FolderData(dataset="folder", root=root, **settings))


def refusal(root, **changes):
    with pytest.raises(DataError) as caught:
        folder(root, **changes).names("train")
    return str(caught.value)


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["images/1.png", "labels/1.png"], "set images: 'images' and masks: 'labels'"),
        (
            ["Train/Images/1.png", "Train/Masks/1.png"],
            "'{split}/Images' and masks: '{split}/Masks'",
        ),
        (["Images/Train/1.png", "GT/Train/1.png"], "'Images/{split}' and masks: 'GT/{split}'"),
        (
            ["images/1.png", "masks/1.pbm"],
            "it holds 1 .pbm files, which are not read: convert them",
        ),
        (["images/IMG1.png", "masks/img1.png"], "names differ in capital letters: rename"),
    ],
)
def test_a_near_layout_is_answered_by_the_settings_that_fit(tmp_path, paths, words):
    put(tmp_path, *(path.replace(".pbm", ".png") for path in paths))
    for path in paths:
        (tmp_path / path.replace(".pbm", ".png")).rename(tmp_path / path)
    assert words in refusal(tmp_path)


def test_splits_may_have_a_capital_letter(tmp_path):
    put(tmp_path, *(f"{k}/{s}/{s}.png" for k in ("images", "masks") for s in ("Train", "Val")))
    dataset = folder(tmp_path, images="images/{split}", masks="masks/{split}")
    assert (dataset.names("train"), dataset.names("val")) == (("Train.png",), ("Val.png",))


def test_accents_are_compared_whichever_way_they_are_written(tmp_path):
    forms = [unicodedata.normalize(form, "\u00e4") for form in ("NFC", "NFD")]
    put(tmp_path, *(f"images/{forms[0]}{i}.png" for i in range(5)))
    put(tmp_path, *(f"masks/{forms[1]}{i}.png" for i in range(5)))
    folder(tmp_path).check()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("images/1.png,masks/1.png\n,\n", "t.csv:3: names no image: fill it in"),
        ("images/1.png,masks/1.png\n" * 2, "names images/1.png more than once in the train split"),
    ],
)
def test_a_line_of_a_table_that_cannot_be_meant_is_named(tmp_path, rows, words):
    put(tmp_path, "images/1.png", "masks/1.png")
    (tmp_path / "t.csv").write_text(f"image,mask\n{rows}")
    assert words in refusal(tmp_path, table="t.csv")


def test_a_repeated_line_of_a_list_is_named(tmp_path):
    put(tmp_path, "images/1.png", "masks/1.png")
    (tmp_path / "train.txt").write_text("1\n1\n")
    assert "names 1.png more than once" in refusal(tmp_path, lists="{split}.txt")


def test_ids_that_start_at_1_are_advised_first_id(tmp_path):
    put(tmp_path, *(f"images/{i}.png" for i in range(5)))
    mask = np.ones((4, 6), dtype=np.uint8)
    mask[2:] = 2
    (tmp_path / "masks").mkdir()
    for number in range(5):
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    with pytest.raises(DataError, match="If ids start at 1, set first_id: 1"):
        folder(tmp_path).load("train", 0)
    assert folder(tmp_path, first_id=1).load("train", 0)[1].tolist() == (mask - 1).tolist()


def test_a_pattern_that_finds_one_group_alone_is_refused(tmp_path):
    put(tmp_path, *(f"{kind}/x{i}.png" for kind in ("images", "masks") for i in range(5)))
    words = refusal(tmp_path, group="(.)")
    assert words.startswith("all 5 images are of one group, 'x'")


def test_lists_may_have_a_byte_order_mark_comments_and_names_with_spaces(tmp_path):
    for number in range(4):
        put(tmp_path, f"images/my {number}.png", f"masks/my {number}.png")
    (tmp_path / "train.txt").write_bytes(b"\xef\xbb\xbfmy 0\r\n# not that one\r\nmy 1\r\n")
    (tmp_path / "val.txt").write_text("my 2.png\n")
    dataset = folder(tmp_path, lists="{split}.txt")
    assert dataset.names("train") == ("my 0.png", "my 1.png")
    assert dataset.names("val") == ("my 2.png",)


def test_images_and_masks_lie_side_by_side(tmp_path):
    for number in range(6):
        put(tmp_path, f"{number}.jpg", f"{number}_mask.png")
    with pytest.raises(DataError, match=r"set images: \., masks: \. and mask_suffix: _mask"):
        folder(tmp_path).names("train")
    dataset = folder(tmp_path, images=".", masks=".", mask_suffix="_mask")
    dataset.check()
    assert sum(len(dataset.names(split)) for split in ("train", "val", "test")) == 6


def test_columns_may_have_capital_letters_and_a_column_of_splits_must_be_called_so(tmp_path):
    for number in range(2):
        put(tmp_path, f"{number}.png", f"m{number}.png")
    rows = "0.png,m0.png,train\n1.png,m1.png,val\n"
    (tmp_path / "pairs.csv").write_text(f"Image,Mask,Split\n{rows}")
    assert folder(tmp_path, table="pairs.csv").names("val") == ("1.png",)
    (tmp_path / "pairs.csv").write_text(f"image,mask,subset\n{rows}")
    with pytest.raises(DataError, match="the column subset names splits: call it split"):
        folder(tmp_path, table="pairs.csv").names("val")


def test_a_missing_mask_is_sought_with_any_suffix_and_what_is_there_is_named(tmp_path):
    for number in range(3):
        put(tmp_path, f"images/{number}.png", f"masks/{number}.png")
    (tmp_path / "masks" / "1.png").rename(tmp_path / "masks" / "1.xcf")
    with pytest.raises(DataError, match=r"masks/1\.\*: .* 1\.xcf is of no kind that is read"):
        folder(tmp_path).check()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("0.png,m0.png,train\n1.png,m1.png,", "pairs.csv:3: no split is called nothing"),
        ("0.png,0.png,train\n1.png,m1.png,val", "pairs.csv: names 0.png as image and as its mask"),
    ],
)
def test_a_table_says_for_each_image_its_split_and_its_mask(tmp_path, rows, words):
    put(tmp_path, "0.png", "1.png", "m0.png", "m1.png")
    (tmp_path / "pairs.csv").write_text(f"image,mask,split\n{rows}\n")
    assert words in refusal(tmp_path, table="pairs.csv")


def test_masks_of_the_same_names_in_other_directories_are_named_as_such(tmp_path):
    put(tmp_path, "images/1.png", "images/2.png", "masks/a/1.png", "masks/a/2.png")
    assert "in other sub-directories than those of the images" in refusal(tmp_path)
