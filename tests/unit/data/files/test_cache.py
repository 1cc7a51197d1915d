import os
import shutil
from collections import namedtuple

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.cache.name import Need, decoding_modules
from searchctl.trainer.data.cache.store import Cache
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.settings import ImageFolderData
from tests.images.synthetic_folders import draw_folder, folder_data, write_pair

EXACT, SOURCE = Need("train", "exact"), Need("train", "source")
MB = 1e-3
"""In gigabytes."""


@pytest.fixture
def root(tmp_path):
    return draw_folder(tmp_path / "data")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "cache"


def cache(root, place, **changes):
    """What a new process would open: it has seen no file yet."""
    data = folder_data(root, cache_dir=place, **changes)
    return Cache(data, build_dataset.__wrapped__(data))


def entries(place):
    return sorted(path.name for path in place.iterdir())


@pytest.fixture
def no_image_is_opened(monkeypatch):
    """From the call on, opening an image fails."""

    def refuse(path):
        raise AssertionError(f"{path} was opened")

    return lambda: monkeypatch.setattr("searchctl.trainer.data.sets.files.opened_image", refuse)


def test_an_entry_that_is_there_is_found_without_opening_an_image(root, place, no_image_is_opened):
    built = cache(root, place).entry(EXACT)
    no_image_is_opened()
    found = cache(root, place).entry(EXACT)
    assert np.array_equal(found.images[2], built.images[2])
    assert np.array_equal(found.pixels, built.pixels)


def test_exact_is_stretched_to_the_training_size_and_counted(root, place):
    entry = cache(root, place).entry(EXACT)
    assert entry.images[0].shape == (12, 16, 3)
    for label, counts in zip((entry.labels[i] for i in range(3)), entry.pixels, strict=True):
        assert label.shape == (12, 16)
        assert counts.tolist() == np.bincount(label.ravel(), minlength=256).tolist()


def test_source_images_equal_the_files(root, place):
    write_pair(root, 0, np.random.default_rng(1), (50, 20))
    opened = cache(root, place)
    dataset, entry = opened._dataset, opened.entry(SOURCE)
    for index in range(3):
        image, label = dataset.load("train", index)
        assert np.array_equal(entry.images[index], image)
        assert np.array_equal(entry.labels[index], label)


def test_source_is_at_most_as_long_as_cache_size_says(root, place):
    write_pair(root, 0, np.random.default_rng(1), (50, 20))
    entry = cache(root, place, cache_size=25, image_size=(8, 8)).entry(SOURCE)
    shapes = {entry.labels[index].shape for index in range(3)}
    assert shapes <= {(19, 25), (25, 10)}
    assert {value for i in range(3) for value in np.unique(entry.labels[i])} == {0, 1}


def test_trainings_at_other_sizes_share_their_sources(root, place, no_image_is_opened):
    cache(root, place).entry(SOURCE)
    no_image_is_opened()
    cache(root, place, image_size=(8, 8)).entry(SOURCE)


def test_cached_arrays_are_read_only(root, place):
    image = cache(root, place).entry(EXACT).images[0]
    with pytest.raises(ValueError, match="read-only"):
        image[...] = 0


def test_a_mask_that_is_edited_in_place_is_decoded_again(root, place):
    before = cache(root, place).entry(EXACT).pixels
    for mask in (root / "masks").iterdir():
        size = mask.stat().st_size
        Image.new("L", (32, 24), 1).save(mask)
        assert mask.stat().st_size == size
    assert not np.array_equal(cache(root, place).entry(EXACT).pixels, before)


def test_another_meaning_of_the_masks_is_another_entry(root, place):
    first = cache(root, place).entry(EXACT)
    second = cache(root, place, classes=["b", "a", "c"]).entry(EXACT)
    assert len(entries(place)) == 2
    assert np.array_equal(first.labels[0], second.labels[0])


@pytest.mark.parametrize("file", ["images", "labels", "index.npz"])
@pytest.mark.parametrize("left", [0, 10, None])
def test_an_entry_that_is_not_whole_is_built_again(root, place, file, left):
    before = cache(root, place).entry(EXACT).images[1].copy()
    damaged = place / entries(place)[0] / file
    damaged.unlink() if left is None else os.truncate(damaged, left)
    assert np.array_equal(cache(root, place).entry(EXACT).images[1], before)
    assert len(entries(place)) == 1


def test_both_kinds_are_decoded_in_one_go(root, place):
    reported = []
    cache(root, place).build([EXACT, SOURCE], lambda done, total: reported.append((done, total)))
    assert reported[-1] == (3, 3)
    assert len(entries(place)) == 2


def test_the_code_of_every_data_set_is_a_part_of_the_name():
    names = {file.name for file in decoding_modules()}
    assert names >= {"own.py", "camvid.py", "folder.py", "image_folder.py", "pixels.py"}


def test_an_interrupted_decoding_leaves_no_files(root, place):
    def enough(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache(root, place).build([EXACT, SOURCE], enough)
    assert entries(place) == []


def test_images_that_cannot_be_decoded_leave_nothing(root, place):
    for mask in (root / "masks").iterdir():
        Image.new("L", (32, 24), 7).save(mask)
    with pytest.raises(DataError, match="class id 7"):
        cache(root, place).entry(EXACT)
    assert entries(place) == []


def test_the_label_of_a_whole_image_is_one_pixel_in_both_kinds(tmp_path, place):
    for name in ("cat", "dog"):
        for index in range(6):
            path = tmp_path / "pets" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.effect_noise((40 + index, 30), 50).convert("RGB").save(path)
    data = ImageFolderData(
        dataset="image_folder", root=tmp_path / "pets", image_size=(12, 16), cache_dir=place
    )
    opened = Cache(data, build_dataset(data))
    exact, source = opened.entry(EXACT), opened.entry(SOURCE)
    labels = [exact.labels[index].tolist() for index in range(len(exact.pixels))]
    assert {str(label) for label in labels} == {"[[0]]", "[[1]]"}
    assert [source.labels[index].tolist() for index in range(len(labels))] == labels
    assert source.images[0].shape[0] == 30
    assert exact.images[0].shape == (12, 16, 3)


def sets_of_one_mb(tmp_path, place, limit):
    """Return caches of three data sets, each of whose exact entries takes a megabyte and a half."""
    roots = [draw_folder(tmp_path / name) for name in "abc"]
    size = {"image_size": (350, 357), "cache_limit_gb": limit * MB}
    return [cache(root, place, **size) for root in roots]


def test_the_least_recently_used_entry_is_evicted(tmp_path, place):
    first, second, third = sets_of_one_mb(tmp_path, place, limit=3.5)
    kept = first.entry(EXACT).images[0]
    shown = kept.copy()
    (oldest,) = entries(place)
    second.entry(EXACT)
    os.utime(place / oldest, (0, 0))
    third.entry(EXACT)
    assert len(entries(place)) == 2
    assert oldest not in entries(place)
    assert np.array_equal(kept, shown)  # who has it open keeps it


def test_entries_in_use_stay(tmp_path, place):
    first, second, third = sets_of_one_mb(tmp_path, place, limit=3.5)
    first.entry(EXACT)
    (oldest,) = entries(place)
    second.entry(EXACT)
    for name in entries(place):
        os.utime(place / name, (0, 0))
    first.entry(EXACT)
    third.entry(EXACT)
    assert oldest in entries(place)


@pytest.mark.parametrize("other", ["thesis", "camvid-val-exact-2026", ".building-thesis"])
def test_other_files_are_neither_removed_nor_counted(tmp_path, place, other):
    (place / other).mkdir(parents=True)
    (place / other / "thesis.tex").write_bytes(bytes(3_000_000))
    first, second, third = sets_of_one_mb(tmp_path, place, limit=3.5)
    for each in (first, second, third):
        each.entry(EXACT)
    assert (place / other / "thesis.tex").stat().st_size == 3_000_000
    assert len(entries(place)) == 3  # the other thing, and the two entries that fit


@pytest.mark.parametrize(
    ("needs", "fix"), [([EXACT], "data.image_size"), ([EXACT, SOURCE], "data.cache_size")]
)
def test_data_larger_than_the_limit_are_refused_before_decoding(tmp_path, place, needs, fix):
    first, *_ = sets_of_one_mb(tmp_path, place, limit=1)
    reported = []
    with pytest.raises(DataError, match=r"is 0.001 GB: set data.cache_limit_gb") as caught:
        first.build(needs, lambda *each: reported.append(each))
    assert fix in str(caught.value)
    assert reported == []


def test_all_that_is_needed_together_must_fit(tmp_path, place):
    first, *_ = sets_of_one_mb(tmp_path, place, limit=2)
    first.entry(EXACT)
    with pytest.raises(DataError, match=r"take 0.003 GB"):
        first.build([EXACT, Need("val", "exact")])
    assert len(entries(place)) == 1


def test_a_full_disk_is_an_error_before_anything_is_decoded(tmp_path, place, monkeypatch):
    first, *_ = sets_of_one_mb(tmp_path, place, limit=10)
    usage = namedtuple("usage", "free")(1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DataError, match=r"has 0.001 GB left: set data.cache_dir"):
        first.entry(EXACT)
    assert entries(place) == []


def test_a_directory_that_cannot_be_made_is_named_with_the_fix(root, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"/file/cache: Not a directory; set data.cache_dir"):
        cache(root, tmp_path / "file" / "cache").entry(EXACT)


def test_a_missing_file_is_named(root, place):
    next((root / "masks").iterdir()).unlink()
    with pytest.raises(DataError, match="is missing"):
        cache(root, place).entry(EXACT)
