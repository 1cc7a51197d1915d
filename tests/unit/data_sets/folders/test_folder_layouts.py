"""Layouts that people have: patterns of directories, parts of names, lists, tables, groups."""

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.folders.folder import Folder
from searchctl.trainer.data.settings import FolderData

SPLITS = ("train", "val", "test")


def put(root, *paths, value=0):
    """Write a picture to each path: each mask holds a number of its own."""
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        is_mask = any(word in str(path) for word in ("mask", "Class", "manual", "label"))
        pixels = np.full((4, 6), number % 2 if is_mask else number, dtype=np.uint8)
        if str(path).endswith(".npy"):
            np.save(root / path, pixels)
        else:
            Image.fromarray(pixels).save(root / path)


def folder(root, **changes):
    settings = {"classes": ["a", "b"], "image_size": (8, 8), "test": 0, **changes}
    return Folder(FolderData(dataset="folder", root=root, **settings))


def names(dataset):
    return {split: list(dataset.names(split)) for split in SPLITS}


def masks(dataset):
    root = dataset.root
    return {
        pair.name: pair.mask.relative_to(root).as_posix()
        for split in SPLITS
        for pair in dataset.pairs(split)
    }


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("images/{split}", "masks/{split}"),
        ("{split}/images", "{split}/masks"),
        ("x_{split}/i", "m"),
    ],
)
@pytest.mark.parametrize("val", ["val", "valid", "validation"])
def test_a_pattern_may_have_the_split_anywhere(tmp_path, images, masks, val):
    for split, count in (("train", 3), (val, 2)):
        for place in (images, masks):
            paths = [f"{place}/{split}{i}.png".replace("{split}", split) for i in range(count)]
            put(tmp_path, *paths)
    dataset = folder(tmp_path, images=images, masks=masks)
    dataset.check()
    assert [len(each) for each in names(dataset).values()] == [3, 2, 0]
    assert dataset.names("val") == (f"{val}0.png", f"{val}1.png")


def test_valid_beside_train_validates(tmp_path):
    for split in ("train", "valid"):
        put(
            tmp_path,
            *(f"{split}/{kind}/{split}{i}.png" for kind in ("images", "masks") for i in "12"),
        )
    assert names(folder(tmp_path))["val"] == ["valid1.png", "valid2.png"]


def test_two_directories_of_one_split_are_refused(tmp_path):
    for split in ("train", "val", "valid"):
        put(tmp_path, f"images/{split}/1.png", f"masks/{split}/1.png")
    with pytest.raises(DataError, match="holds images/val and images/valid, both for val"):
        folder(tmp_path, images="images/{split}", masks="masks/{split}").names("val")


def test_splits_below_images_are_never_mixed_but_hinted_at(tmp_path):
    for split in ("train", "val"):
        put(tmp_path, f"images/{split}/1.png", f"masks/{split}/1.png")
    with pytest.raises(DataError, match=r"are splits: set images: images/\{split\} and masks"):
        folder(tmp_path).names("train")


def test_nested_images_have_their_masks_at_the_same_place(tmp_path):
    put(tmp_path, "images/a/1.webp", "images/b/1.gif", "images/b/c/2.npy", "images/3.jpg")
    put(tmp_path, "masks/a/1.png", "masks/b/1.gif", "masks/b/c/2.npy", "masks/3.png")
    dataset = folder(tmp_path)
    dataset.check()
    assert masks(dataset) == {
        "a/1.webp": "masks/a/1.png",
        "b/1.gif": "masks/b/1.gif",
        "b/c/2.npy": "masks/b/c/2.npy",
        "3.jpg": "masks/3.png",
    }
    assert dataset.unused() == ()
    for split in ("train", "val"):
        for index in range(len(dataset.names(split))):
            assert dataset.load(split, index)[0].shape == (4, 6, 3)


def test_a_link_to_a_directory_above_is_not_followed(tmp_path):
    put(tmp_path, *(f"{kind}/a/{i}.png" for kind in ("images", "masks") for i in range(3)))
    (tmp_path / "images" / "a" / "up").symlink_to(tmp_path)
    dataset = folder(tmp_path)
    dataset.check()
    assert sorted(masks(dataset)) == ["a/0.png", "a/1.png", "a/2.png"]
    assert dataset.unused() == ()


def test_images_and_masks_may_lie_side_by_side(tmp_path):
    put(tmp_path, *(f"{i}{end}" for i in range(4) for end in ("_sat.jpg", "_mask.png")))
    dataset = folder(tmp_path, images=".", masks=".", image_suffix="_sat", mask_suffix="_mask")
    assert masks(dataset) == {f"{i}_sat.jpg": f"{i}_mask.png" for i in range(4)}


@pytest.mark.parametrize(
    ("image", "mask", "settings"),
    [
        ("{}", "{}_mask", {"mask_suffix": "_mask"}),
        ("{}", "mask_{}", {"mask_prefix": "mask_"}),
        ("img_{}", "mask_{}", {"image_prefix": "img_", "mask_prefix": "mask_"}),
        ("{}_training", "{}_manual1", {"image_suffix": "_training", "mask_suffix": "_manual1"}),
        ("{}_leftImg", "{}", {"image_suffix": "_leftImg"}),
        ("um_{}", "um_road_{}", {"image_prefix": "um_", "mask_prefix": "um_road_"}),
    ],
)
def test_the_hint_proposes_the_settings_that_fit(tmp_path, image, mask, settings):
    stems = [f"{number:03}" for number in range(7, 13)]
    put(tmp_path, *(f"images/{image.format(stem)}.png" for stem in stems))
    put(tmp_path, *(f"masks/{mask.format(stem)}.png" for stem in stems))
    with pytest.raises(DataError) as caught:
        folder(tmp_path).names("train")
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{tmp_path}/masks: holds no mask of the 6 images of {tmp_path}/images")
    assert line.endswith(" and ".join(f"{name}: {part}" for name, part in settings.items()))
    dataset = folder(tmp_path, **settings)
    dataset.check()
    assert sorted(masks(dataset).values()) == [f"masks/{mask.format(stem)}.png" for stem in stems]


def test_a_wrong_directory_is_answered_by_what_there_is(tmp_path):
    put(tmp_path, "JPEGImages/1.jpg", "SegmentationClass/1.png")
    with pytest.raises(DataError, match="set images: 'JPEGImages' and masks: 'Segm"):
        folder(tmp_path).names("train")


def test_two_files_of_one_name_are_refused(tmp_path):
    put(tmp_path, "images/1.png", "images/2.png", "images/1.jpg", "masks/1.png", "masks/2.png")
    with pytest.raises(DataError, match=r"one name \(1\.jpg and 1\.png\)"):
        folder(tmp_path).names("train")


def voc(root):
    stems = [f"2007_{number:06}" for number in range(6)]
    put(root, *(f"JPEGImages/{stem}.jpg" for stem in (*stems, "unlabelled")))
    put(root, *(f"SegmentationClass/{stem}.png" for stem in stems))
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("\n".join(stems[:4]) + "\n")
    (lists / "val.txt").write_text("\n".join(stems[4:]) + "\n")
    return {
        "images": "JPEGImages",
        "masks": "SegmentationClass",
        "lists": "ImageSets/Segmentation/{split}.txt",
    }


def test_lists_of_names_as_in_voc_say_what_the_splits_are(tmp_path):
    dataset = folder(tmp_path, **voc(tmp_path))
    dataset.check()
    assert [len(each) for each in names(dataset).values()] == [4, 2, 0]
    assert dataset.names("val") == ("2007_000004.jpg", "2007_000005.jpg")
    assert [path.name for path in dataset.unused()] == ["unlabelled.jpg"]


def test_a_name_that_no_image_has_is_named_with_its_line(tmp_path):
    settings = voc(tmp_path)
    with (tmp_path / "ImageSets" / "Segmentation" / "val.txt").open("a") as file:
        file.write("2011_000001\n")
    with pytest.raises(DataError, match=r"val\.txt:3: no image of .* is called 2011_000001"):
        folder(tmp_path, **settings).names("val")


def test_lists_may_have_the_paths_of_both_files(tmp_path):
    put(tmp_path, "img/1.png", "img/2.png", "label/1.png", "label/2.png")
    (tmp_path / "train.txt").write_text("img/1.png label/1.png\n")
    (tmp_path / "val.txt").write_text("/img/2.png /label/2.png\n")
    dataset = folder(tmp_path, lists="{split}.txt")
    dataset.check()
    assert masks(dataset) == {"img/1.png": "label/1.png", "img/2.png": "label/2.png"}


def table(root, text):
    put(root, *(f"i/{n}.png" for n in range(6)), *(f"mask/{n}.png" for n in range(6)))
    (root / "pairs.csv").write_text(text)
    return folder(root, table="pairs.csv")


def test_a_table_may_name_files_and_splits(tmp_path):
    rows = [f"i/{n}.png, mask/{n}.png,{'valid' if n > 3 else 'train'}" for n in range(6)]
    dataset = table(tmp_path, "\n".join(["image,mask,split", *rows]))
    dataset.check()
    assert [len(each) for each in names(dataset).values()] == [4, 2, 0]
    assert masks(dataset)["i/5.png"] == "mask/5.png"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,label\ni/1.png,mask/1.png", "has no column mask: its columns are image, label"),
        ("image,mask\n", "has no rows"),
        ("image,mask,split\ni/1.png,mask/1.png,dev", "pairs.csv:2: no split is called dev"),
    ],
)
def test_a_table_that_does_not_fit_is_named(tmp_path, text, words):
    with pytest.raises(DataError, match=words):
        table(tmp_path, text).names("train")


def clips(root):
    stems = [f"{clip}_frame{frame}" for clip in "abcdefgh" for frame in range(5)]
    put(root, *(f"{kind}/{stem}.png" for kind in ("images", "masks") for stem in stems))


def test_frames_of_a_clip_never_lie_in_two_splits(tmp_path):
    clips(tmp_path)
    dataset = folder(tmp_path, group="(.*)_frame", val=0.3, test=0.2)
    groups = [
        {dataset.group(split, index) for index in range(len(dataset.names(split)))}
        for split in SPLITS
    ]
    assert [len(each) for each in groups] == [3, 3, 2]
    assert set.union(*groups) == set("abcdefgh")
    assert [len(each) for each in names(dataset).values()] == [15, 15, 10]


def test_a_column_of_the_table_groups_too(tmp_path):
    rows = [f"i/{n}.png,mask/{n}.png,{'anna' if n % 2 else 'ben'}" for n in range(6)]
    put(tmp_path, *(f"i/{n}.png" for n in range(6)), *(f"mask/{n}.png" for n in range(6)))
    (tmp_path / "pairs.csv").write_text("\n".join(["image,mask,patient", *rows]))
    dataset = folder(tmp_path, table="pairs.csv", group="patient")
    found = [{dataset.group(s, i) for i in range(len(dataset.names(s)))} for s in ("train", "val")]
    assert sorted(map(len, found)) == [1, 1]


def test_a_group_that_does_not_match_is_named(tmp_path):
    clips(tmp_path)
    put(tmp_path, "images/odd.png", "masks/odd.png")
    with pytest.raises(DataError, match=r'group "\(\.\*\)_frame" does not match odd\.png'):
        folder(tmp_path, group="(.*)_frame").names("train")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"group": ".*_frame"}, "group has no"),
        ({"group": "("}, "no regular expression"),
        ({"masks": "masks/{split}"}, "images has not"),
        ({"lists": "train.txt"}, "names one file"),
        ({"lists": "{split}.txt", "table": "a.csv"}, "lists and table all say"),
        ({"table": "a.csv", "mask_suffix": "_mask"}, "mask_suffix has no effect beside table"),
        ({"images": "train", "masks": "train"}, "are the same directory"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path, changes, words):
    with pytest.raises(ValidationError, match=words):
        folder(tmp_path, **changes)
