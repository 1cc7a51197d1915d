"""Every data set of files reports invalid files."""

import shutil

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.sets.files import SPLITS
from tests.images.official_layouts import APPLE_DOUBLE, LAYOUTS


@pytest.fixture(scope="module", params=list(LAYOUTS))
def written(request, tmp_path_factory):
    """Settings of one layout whose files do not change."""
    return LAYOUTS[request.param].settings(tmp_path_factory.mktemp("layout") / "root")


@pytest.fixture
def settings(written, tmp_path):
    """Settings of the same data set in a copy that a test may damage."""
    return written.model_copy(update={"root": shutil.copytree(written.root, tmp_path / "copy")})


@pytest.fixture
def dataset(settings):
    return build_dataset.__wrapped__(settings)


@pytest.fixture(params=["train", "val"])
def pair(request, dataset):
    """A pair in the middle of a split."""
    pairs = dataset.pairs(request.param)
    return pairs[len(pairs) // 2]


def load(dataset, pair):
    split = next(s for s in ("train", "val") if pair in dataset.pairs(s))
    return dataset.load(split, dataset.pairs(split).index(pair))


def test_a_missing_mask_is_named_before_training(dataset, pair):
    pair.mask.unlink()
    with pytest.raises(DataError, match=rf"{pair.mask}: is missing"):
        dataset.check()


def test_a_mask_of_another_size_is_named_before_training(dataset, pair):
    with Image.open(pair.mask) as mask:
        mask.resize((7, 5), Image.Resampling.NEAREST).save(pair.mask)
    with pytest.raises(DataError, match=rf"{pair.mask}: the mask is 7x5, its image {pair.image}"):
        dataset.check()


def test_an_empty_image_is_named_before_training(dataset, pair):
    pair.image.write_bytes(b"")
    with pytest.raises(DataError, match=rf"{pair.image}: cannot be read"):
        dataset.check()


def test_a_mask_that_is_really_a_jpeg_is_named_before_training(dataset, pair):
    with Image.open(pair.mask) as mask:
        mask.convert("RGB").save(pair.mask, "JPEG")
    with pytest.raises(DataError, match=rf"{pair.mask}: is a JPEG file"):
        dataset.check()
    with pytest.raises(DataError, match=rf"{pair.mask}: is a JPEG file"):
        load(dataset, pair)


def test_a_truncated_mask_is_named_when_it_is_read(dataset, pair):
    with Image.open(pair.mask) as mask:
        values = np.asarray(mask)
    Image.fromarray(np.repeat(np.repeat(values, 8, axis=0), 8, axis=1)).save(pair.mask)
    pair.mask.write_bytes(pair.mask.read_bytes()[:-60])
    with pytest.raises(DataError, match=rf"{pair.mask}: cannot be read"):
        load(dataset, pair)


def test_values_that_mean_nothing_are_named_when_they_are_read(dataset, pair):
    with Image.open(pair.mask) as mask:
        shape = np.asarray(mask).shape[:2]
    Image.fromarray(np.full(shape, 77, np.uint8)).save(pair.mask)
    with pytest.raises(DataError, match=rf"{pair.mask}: (class id 77|100\.0 % .* \(77, 77, 77\))"):
        load(dataset, pair)


def test_files_of_a_mac_are_no_images(settings, dataset, pair):
    for path in (pair.image, pair.mask):
        (path.parent / f"._{path.name}").write_bytes(APPLE_DOUBLE)
    again = build_dataset.__wrapped__(settings)
    again.check()
    assert [again.names(split) for split in SPLITS] == [dataset.names(split) for split in SPLITS]


def test_a_changed_file_changes_the_fingerprint(dataset, pair):
    before = dataset.fingerprint_parts()
    with pair.mask.open("ab") as file:
        file.write(b"\0")
    assert dataset.fingerprint_parts() != before


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_a_wrong_root_is_named(layout, tmp_path):
    settings = LAYOUTS[layout].settings(tmp_path / "right")
    wrong = settings.model_copy(update={"root": tmp_path / "wrong"})
    with pytest.raises(DataError, match=rf"{tmp_path / 'wrong'}.*is `root` right"):
        build_dataset.__wrapped__(wrong).check()
