"""The contract of data sets, checked on each of `DATASETS`."""

from functools import cache

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.data.fingerprints import data_fingerprint
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.samples import load_split
from searchctl.trainer.data.settings import (
    CamvidData,
    FolderData,
    ImageFolderData,
    OxfordPetsData,
    ScenesData,
)
from tests.images.official_layouts import LAYOUTS

SPLITS = ("train", "val", "test")


def _scenes(request):
    return ScenesData(dataset="scenes", native_size=(40, 56), train=6, val=3, test=2)


def _camvid(split):
    def make(request):
        root = request.getfixturevalue("camvid_root")
        return CamvidData(dataset="camvid", root=root, image_size=(45, 60), split=split)

    return make


def _folder(request):
    root = request.getfixturevalue("tmp_path_factory").mktemp("folder")
    rng = np.random.default_rng(0)
    for directory, values, shape in (("images", 256, (9, 12, 3)), ("masks", 3, (9, 12))):
        (root / directory).mkdir()
        for index in range(10):
            picture = Image.fromarray(rng.integers(0, values, shape, dtype=np.uint8))
            picture.save(root / directory / f"{index}.png")
    return FolderData(
        dataset="folder",
        root=root,
        image_size=(8, 8),
        classes=["a", "b", "c"],
        test=0.2,
        train_images=6,
    )


def _pets(border):
    def make(request):
        root = request.getfixturevalue("oxford_pets_root")
        return OxfordPetsData(dataset="oxford_pets", root=root, image_size=(32, 32), border=border)

    return make


def _folder_of_pets(request):
    return FolderData(
        dataset="folder",
        root=request.getfixturevalue("oxford_pets_root"),
        image_size=(32, 32),
        masks="annotations/trimaps",
        classes=["pet", "background"],
        first_id=1,
        ignore_index=3,
    )


def _image_folder(request):
    root = request.getfixturevalue("tmp_path_factory").mktemp("image_folder")
    rng = np.random.default_rng(0)
    for split, images in (("train", 6), ("test", 2)):
        for name in ("cat", "dog", "owl"):
            (root / split / name).mkdir(parents=True)
            for index in range(images):
                picture = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
                picture.save(root / split / name / f"{index}.png")
    return ImageFolderData(dataset="image_folder", root=root, image_size=(8, 8), train_images=3 * 5)


def _breeds_of_pets(request):
    root = request.getfixturevalue("pet_breeds_root")
    return ImageFolderData(dataset="image_folder", root=root, image_size=(32, 32))


def _layout(layout):
    def make(request):
        return layout.settings(request.getfixturevalue("tmp_path_factory").mktemp("layout"))

    return make


DATASETS = {
    "scenes": _scenes,
    "camvid": _camvid("official"),
    "camvid by sequence": _camvid("by_sequence"),
    "folder": _folder,
    "oxford pets": _pets("ignore"),
    "oxford pets with a border": _pets("class"),
    "folder of oxford pets": _folder_of_pets,
    "image folder": _image_folder,
    "image folder of oxford pets": _breeds_of_pets,
    **{name: _layout(layout) for name, layout in LAYOUTS.items()},
}


@pytest.fixture(scope="module", params=list(DATASETS))
def settings(request):
    return DATASETS[request.param](request)


@pytest.fixture
def dataset(settings):
    return build_dataset(settings)


@pytest.fixture(params=SPLITS)
def split(request, dataset):
    if request.param == "test" and not dataset.names("test"):
        pytest.skip("there are no labels to test on")
    return request.param


def test_all_files_are_in_order(dataset):
    dataset.check()


def test_classes_have_names_and_colours_and_exclude_the_ignore_value(dataset):
    assert len(set(dataset.class_names)) == len(dataset.class_names)
    assert len(set(dataset.palette)) == len(dataset.class_names)
    assert len(dataset.class_names) <= dataset.ignore_index <= 255


def test_images_and_labels_have_the_promised_shapes_and_ids(settings, dataset, split):
    allowed = {*range(len(dataset.class_names)), dataset.ignore_index}
    for index in (0, len(dataset.names(split)) - 1):
        image, label = dataset.load(split, index)
        assert label.shape == (image.shape[:2] if settings.task == "segmentation" else (1, 1))
        assert image.shape == (*image.shape[:2], 3)
        assert image.dtype == label.dtype == np.uint8
        assert set(np.unique(label).tolist()) <= allowed


def test_names_are_unique_and_splits_disjoint(dataset):
    names = [name for split in SPLITS for name in dataset.names(split)]
    assert len(set(names)) == len(names)


def test_names_and_groups_have_the_same_order_in_a_new_object(settings, dataset, split):
    again = build_dataset.__wrapped__(settings)
    assert again.names(split) == dataset.names(split)
    indices = range(len(dataset.names(split)))
    assert [again.group(split, i) for i in indices] == [dataset.group(split, i) for i in indices]


def test_there_is_something_to_train_and_to_validate_on(dataset):
    assert dataset.names("train")
    assert dataset.names("val")


def test_the_settings_count_the_existing_images(settings, dataset):
    counts = settings.counts() or {}
    assert counts == {split: len(dataset.names(split)) for split in counts}


def test_an_image_is_the_same_each_time_and_in_a_new_object(settings, dataset, split):
    first = dataset.load(split, 1)
    again = build_dataset.__wrapped__(settings).load(split, 1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_different_images_differ(dataset, split):
    first, second = (dataset.load(split, index)[0] for index in (0, 1))
    assert not np.array_equal(first, second)


def test_the_fingerprint_is_stable(settings):
    assert data_fingerprint(settings) == data_fingerprint.__wrapped__(settings)


def test_each_image_has_a_group(dataset, split):
    groups = [dataset.group(split, index) for index in range(len(dataset.names(split)))]
    assert all(groups)


def test_a_split_loads_at_the_training_size(settings, split):
    loaded = load_split(settings, split)
    count = len(build_dataset(settings).names(split))
    assert loaded.images.shape == (count, *settings.image_size, 3)
    size = settings.image_size if settings.task == "segmentation" else (1, 1)
    assert loaded.labels.shape == (count, *size)


@cache
def _present(settings):
    labels = [load_split(settings, split).labels for split in SPLITS]
    return set(np.unique(np.concatenate(labels)).tolist())


def test_resizing_makes_no_new_ids(settings, dataset):
    assert _present(settings) <= {*range(len(dataset.class_names)), dataset.ignore_index}


def test_every_class_is_somewhere(settings, dataset):
    if isinstance(settings, ScenesData):
        settings = settings.model_copy(update={"train": 40, "image_size": (40, 56)})
    assert _present(settings) >= set(range(len(dataset.class_names)))
