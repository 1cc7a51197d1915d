import os
import shutil

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.fingerprints import (
    data_fingerprint,
    listing_fingerprint,
    same_data,
    sample_hash,
)
from searchctl.trainer.data.samples import (
    decode_ahead,
    forget_listing,
    load_sample,
    load_split,
    sample_order,
)
from searchctl.trainer.data.settings import FolderData, Sample, ScenesData

SCENES = ScenesData(dataset="scenes", image_size=(24, 32), train=12, val=3, test=2)


def folder(root, masks, **changes):
    """Settings of a folder whose masks are these arrays."""
    for kind in ("images", "masks"):
        (root / kind).mkdir()
    for index, mask in enumerate(masks):
        Image.fromarray(np.asarray(mask, np.uint8)).save(root / "masks" / f"{index}.png")
        height, width = np.shape(mask)
        Image.new("RGB", (width, height)).save(root / "images" / f"{index}.png")
    settings = {"classes": ["a", "b"], "image_size": (8, 8), "test": 0, **changes}
    return FolderData(dataset="folder", root=root, **settings)


def test_samples_are_nested_prefixes_of_one_order():
    split, order = load_split(SCENES, "train"), sample_order(SCENES, 5)
    small, large = (load_sample(Sample(SCENES, count, 5)) for count in (4, 9))
    assert small.indices == large.indices[:4] == order[:4]
    assert small.names == tuple(split.names[i] for i in order[:4])
    assert np.array_equal(small.images, large.images[:4])
    assert np.array_equal(small.labels, split.labels[list(order[:4])])


def test_train_and_val_together_end_with_the_whole_validation_split():
    sample = load_sample(Sample(SCENES, 12, 5, whole="train+val"))
    val = load_split(SCENES, "val")
    assert sample.names[12:] == val.names
    assert np.array_equal(sample.images[12:], val.images)
    assert np.array_equal(sample.labels[12:], val.labels)


def test_a_split_is_decoded_once_per_process():
    assert load_split(SCENES, "val") is load_split(SCENES.model_copy(), "val")


def test_taking_keeps_everything_aligned():
    split = load_split(SCENES, "train")
    taken = split.take([5, 2]).take([1])
    assert (taken.names, taken.indices) == ((split.names[2],), (2,))
    assert np.array_equal(taken.images[0], split.images[2])


def test_labels_are_shrunk_by_the_pixel_at_the_centre(tmp_path):
    mask = np.zeros((24, 24))
    mask[1::3, 1::3] = 1  # the centre of each 3x3 block
    settings = folder(tmp_path, [mask] * 2, val=0.5)
    assert (np.asarray(load_split(settings, "train").labels) == 1).all()


def test_every_bad_mask_is_named_before_any_training(tmp_path):
    settings = folder(tmp_path, [np.full((8, 8), 7)] * 6, val=0.5)
    with pytest.raises(DataError) as caught:
        load_split(settings, "train")
    assert len(caught.value.every) == 3
    (line,) = str(caught.value).splitlines()
    assert "class id 7 in a mask; allowed are 0..1 and 255" in line
    assert "(and so in 2 more files: " in line


def test_missing_files_are_found_before_any_is_decoded(tmp_path):
    settings = folder(tmp_path, [np.full((8, 8), 7)] * 4)
    (tmp_path / "masks" / "3.png").unlink()
    with pytest.raises(DataError, match=r"^\S+/masks/3\.\*: is missing, whatever the suffix$"):
        load_split(settings, "train")


def test_masks_without_a_single_class_are_refused(tmp_path):
    settings = folder(tmp_path, [np.full((8, 8), 255)] * 4)
    with pytest.raises(DataError, match="no mask of the train split holds any pixel of a class"):
        load_split(settings, "train")


def test_no_training_images_is_an_error_but_no_test_images_is_not(tmp_path):
    settings = folder(tmp_path, [np.ones((8, 8))])
    assert load_split(settings, "test").names == ()
    with pytest.raises(DataError, match="the train split holds no images"):
        load_split(settings, "train")


def test_the_sample_hash_depends_on_names_and_order():
    hashes = {sample_hash(names) for names in (["a", "b"], ["b", "a"], ["ab"], ["a"])}
    assert len(hashes) == 4


def test_the_fingerprint_sees_a_changed_file(tmp_path):
    settings = folder(tmp_path, [np.ones((8, 8))] * 3)
    before = data_fingerprint(settings)
    Image.effect_noise((8, 8), 50).convert("RGB").save(tmp_path / "images" / "1.png")
    assert data_fingerprint.__wrapped__(settings) != before


def test_the_fingerprint_sees_an_edit_that_keeps_size_and_time(tmp_path):
    settings = folder(tmp_path, [np.ones((8, 8))] * 3)
    path = tmp_path / "masks" / "1.bmp"
    (tmp_path / "masks" / "1.png").unlink()
    Image.fromarray(np.ones((8, 8), np.uint8)).save(path)
    forget_listing()
    before, stat = data_fingerprint(settings), path.stat()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    forget_listing()
    assert not same_data(settings, before)


def test_moved_and_copied_data_are_the_same_data(tmp_path):
    (tmp_path / "here").mkdir()
    settings = folder(tmp_path / "here", [np.ones((8, 8))] * 3)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    moved = settings.model_copy(update={"root": tmp_path / "there"})
    assert same_data(moved, data_fingerprint(settings))
    (tmp_path / "there" / "images" / "1.png").rename(tmp_path / "there" / "images" / "9.png")
    (tmp_path / "there" / "masks" / "1.png").rename(tmp_path / "there" / "masks" / "9.png")
    forget_listing()
    assert not same_data(moved, data_fingerprint(settings))


def test_data_of_a_sweep_of_version_0_1_are_recognised_by_names_and_sizes(tmp_path):
    settings = folder(tmp_path, [np.ones((8, 8))] * 3)
    assert same_data(settings, listing_fingerprint(settings))
    with (tmp_path / "images" / "1.png").open("ab") as file:
        file.write(b"more")
    forget_listing()
    assert not same_data(settings, "0" * 16)


def test_sources_are_the_same_images_in_the_same_order_at_their_own_size():
    sample = load_sample(Sample(SCENES, 12, 5, whole="train+val")).take([13, 3, 0])
    images, labels = sample.sources()
    for (split, index), image, label in zip(sample.origins, images, labels, strict=True):
        drawn, ids = sample.dataset.load(split, index)
        assert np.array_equal(image, drawn)
        assert np.array_equal(label, ids)


def test_pixels_are_counted_at_the_training_size():
    sample = load_sample(Sample(SCENES, 12, 5, whole="train+val")).take([13, 3])
    counted = [np.bincount(label.ravel(), minlength=256) for label in sample.labels]
    assert np.array_equal(sample.pixels, counted)
    assert sample.class_pixels.shape == (2, 11)


def test_what_is_decoded_ahead_is_what_such_trials_need(tmp_path):
    data = SCENES.model_copy(update={"cache_dir": tmp_path})
    needed = {}
    for augments, whole in ((["none"], "train"), (["none", "flip_crop"], "train+val")):
        decode_ahead(data, augments, whole=whole)
        needed[whole] = {path.name.rpartition("-")[0] for path in tmp_path.iterdir()}
    exact = {f"scenes-{split}-exact-24x32" for split in ("train", "val", "test")}
    sources = {f"scenes-{split}-source-native" for split in ("train", "val")}
    assert needed == {"train": exact, "train+val": exact | sources}


def test_files_are_read_again_on_request(tmp_path):
    settings = folder(tmp_path, [np.ones((8, 8))] * 4)
    before = data_fingerprint(settings), load_split(settings, "train")
    Image.effect_noise((8, 8), 50).convert("RGB").save(tmp_path / "images" / "1.png")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "masks" / "1.png")
    assert (data_fingerprint(settings), load_split(settings, "train")) == before
    forget_listing()
    assert data_fingerprint(settings) != before[0]
    assert not all(
        np.asarray(load_split(settings, split).labels).all() for split in ("train", "val")
    )


def test_crops_from_too_few_pixels_are_refused():
    with pytest.raises(ValidationError, match="below the longer side of image_size, 32"):
        ScenesData(dataset="scenes", image_size=(24, 32), cache_size=31)
    assert ScenesData(dataset="scenes", image_size=(24, 32), cache_size=32).cache_size == 32


def test_the_order_is_kept_with_the_decoded_images_and_read_again(tmp_path):
    data = SCENES.model_copy(update={"cache_dir": tmp_path})
    order = sample_order(data, 5)
    [stored] = tmp_path.glob("scenes-train-exact-*/order-*-5.npy")
    assert tuple(np.load(stored)) == order
    np.save(stored, np.array(order[::-1]))
    forget_listing()
    assert sample_order(data, 5) == order[::-1]


@pytest.mark.parametrize("damage", [b"", b"no array", None])
def test_a_damaged_stored_order_is_computed_anew(tmp_path, damage):
    data = SCENES.model_copy(update={"cache_dir": tmp_path})
    order = sample_order(data, 5)
    [stored] = tmp_path.glob("scenes-train-exact-*/order-*-5.npy")
    if damage is None:
        np.save(stored, np.zeros(len(order), dtype=np.int64))
    else:
        stored.write_bytes(damage)
    forget_listing()
    assert sample_order(data, 5) == order
