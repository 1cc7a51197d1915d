"""What pipelines of albumentations make of images and masks."""

import inspect
import json

import albumentations as A
import numpy as np
import pytest

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.data.augment.chosen import augmenter
from searchctl.trainer.data.augment.trying import try_augment
from searchctl.trainer.data.loader import TrainingBatches, load_split
from searchctl.trainer.data.sets.published.camvid import Camvid
from searchctl.trainer.data.settings import CamvidData, ScenesData
from searchctl.trainer.settings.pipelines.checks import pipeline_problems
from searchctl.trainer.settings.pipelines.saved import from_saved
from searchctl.trainer.settings.pipelines.transforms import transforms

SIZE = HEIGHT, WIDTH = 48, 64
IGNORED = 200
PIPELINE = {
    "Compose": [
        "HorizontalFlip",
        {"RandomScale": {"scale_limit": 0.5, "p": 1}},
        {"Affine": {"rotate": [-20, 20], "p": 0.7}},
        {"OneOf": [{"Blur": {"p": 1}}, {"RandomBrightnessContrast": {"p": 1}}]},
    ]
}
FULL = {"height": HEIGHT, "width": WIDTH}
TWO = {"transforms": ["Blur", "Rotate"]}
NEEDED = {
    "CropAndPad": {"px": 4},
    "LongestMaxSize": {"max_size": 40},
    "SmallestMaxSize": {"max_size": 40},
    "RandomSizedCrop": {"min_max_height": [20, 40], "size": list(SIZE)},
    "RandomResizedCrop": {"size": list(SIZE)},
    "Crop": {"x_max": 30, "y_max": 30},
    "ConstrainedCoarseDropout": {"mask_indices": [3]},
    **{name: FULL for name in ["CenterCrop", "RandomCrop", "Resize", "CropNonEmptyMaskIfExists"]},
    **{name: {**TWO, "n": 1} for name in ["SomeOf", "RandomOrder"]},
    **{name: TWO for name in ["OneOf", "OneOrOther", "Sequential"]},
    "SelectiveChannelTransform": {"transforms": ["Blur"], "channels": [1]},
}
PADDING = {
    "Rotate": {"limit": [30, 40]},
    "SafeRotate": {"limit": [30, 40]},
    "Affine": {"rotate": 30},
    "ShiftScaleRotate": {"rotate_limit": 40},
    "Perspective": {"fit_output": True},
    "ElasticTransform": {"alpha": 300, "sigma": 5},
    "GridDistortion": {"normalized": False},
    "OpticalDistortion": {"distort_limit": 0.9},
    "ThinPlateSpline": {"scale_range": [0.5, 0.6]},
    "Pad": {"padding": 5},
    "PadIfNeeded": {"min_height": 99, "min_width": 99},
    "CropAndPad": {"px": 4},
    "RandomScale": {"scale_limit": [-0.5, -0.4]},
    "CenterCrop": {"height": 60, "width": 80, "pad_if_needed": True},
}


def pair(channels=3):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (*SIZE, channels), dtype=np.uint8)
    label = np.full(SIZE, 3, dtype=np.uint8)
    label[:, WIDTH // 2 :] = 7
    return image, label


def usable():
    """Transforms that a pipeline may name with these arguments."""
    steps = {name: {"p": 1, **NEEDED.get(name, {})} for name in transforms() if name != "Compose"}
    return {n: {"Compose": [{n: a}]} for n, a in steps.items() if not _refused({n: a})}


def _refused(step):
    return pipeline_problems({"Compose": [step]})


def drawn(pipeline, seed=1, of=None, used=None):
    used = used or augmenter(pipeline, SIZE, IGNORED)
    return used.changed(*(of or pair()), seed, "a.png")


def test_the_table_says_what_the_classes_take():
    for name, transform in transforms().items():
        parameters = list(inspect.signature(getattr(A, name).__init__).parameters)
        assert parameters[1:] == list(transform.arguments), name


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", usable())
def test_every_transform_keeps_labels_and_draws_by_the_seed_alone(name):
    used = augmenter(usable()[name], SIZE, IGNORED)
    first = drawn(None, seed=0, used=used)
    labels = {int(each) for seed in range(8) for each in np.unique(drawn(None, seed, used=used)[1])}
    assert labels <= {3, 7, IGNORED}
    again = drawn(None, seed=0, used=used)
    assert all(map(np.array_equal, first, again))
    assert (first[0].shape, first[1].shape) == ((*SIZE, 3), SIZE)


@pytest.mark.parametrize("name", PADDING)
def test_what_lies_beyond_an_image_is_ignored(name):
    used = augmenter({"Compose": [{name: {"p": 1, **PADDING[name]}}]}, SIZE, IGNORED)
    labels = np.concatenate([drawn(None, seed, used=used)[1] for seed in range(9)])
    assert set(np.unique(labels).tolist()) == {3, 7, IGNORED}


def test_a_fill_of_the_user_stays():
    step = {"Rotate": {"limit": [40, 41], "fill_mask": 5, "p": 1}}
    assert set(np.unique(drawn({"Compose": [step]})[1]).tolist()) == {3, 5, 7}


def test_another_size_is_cropped_or_padded_at_a_random_place():
    small, large = (
        {"Compose": [{"Resize": {"height": h, "width": w}}]} for h, w in [(20, 90), (90, 20)]
    )
    for pipeline in (small, large):
        image, label = drawn(pipeline)
        assert (image.shape, label.shape) == ((*SIZE, 3), SIZE)
        assert (label == IGNORED).any()
        assert not image[label == IGNORED].any()
    assert len({drawn(small, seed)[1].tobytes() for seed in range(9)}) > 3


def test_images_and_masks_move_together():
    mask = np.zeros(SIZE, dtype=np.uint8)
    mask[10:30, 20:50] = 200
    image = np.repeat(mask[..., None], 3, axis=2)
    for seed in range(10):
        seen, label = drawn({"Compose": PIPELINE["Compose"][:3]}, seed, of=(image, mask))
        assert (((label == 200) & (seen[..., 0] > 0)) == (seen[..., 0] > 100)).mean() > 0.97


def test_floats_of_any_range_and_number_of_bands_are_kept():
    image = np.full((*SIZE, 5), 4000, dtype=np.float32)
    image[:5, :5] = np.nan
    seen, label = drawn(
        {"Compose": ["HorizontalFlip", {"RandomRotate90": {"p": 1}}]}, of=(image, pair()[1])
    )
    assert np.nanmin(seen) == np.nanmax(seen) == 4000
    assert (label[np.isnan(seen[..., 0])] == IGNORED).all()


def test_the_class_of_a_whole_image_stays():
    image, label = drawn(PIPELINE, of=(pair()[0], np.full((1, 1), 9, dtype=np.uint8)))
    assert (image.shape, label.tolist()) == ((*SIZE, 3), [[9]])


def test_arguments_that_a_transform_refuses_are_named():
    with pytest.raises(SettingsError, match=r"augment: RandomScale\.scale_limit: Input should be"):
        augmenter({"Compose": [{"RandomScale": {"scale_limit": "half"}}]}, SIZE, IGNORED)


def test_a_transform_that_fails_on_an_image_is_named():
    step = {"OneOf": [{"Crop": {"x_max": 9999, "y_max": 10, "p": 1}}]}
    with pytest.raises(SettingsError, match=r"augment: Crop fails on an image: \w+Error: "):
        [drawn({"Compose": [step]}, seed) for seed in range(9)]


def test_memory_that_runs_out_in_a_transform_is_no_fault_of_it(monkeypatch):
    def full(self, image, **params):
        raise MemoryError

    monkeypatch.setattr(A.HorizontalFlip, "apply", full)
    with pytest.raises(MemoryError):
        drawn({"Compose": [{"HorizontalFlip": {"p": 1}}]})


def test_other_channels_are_refused():
    with pytest.raises(SettingsError, match="makes 1 channels"):
        drawn({"Compose": [{"ToGray": {"num_output_channels": 1, "p": 1}}]})


def test_a_saved_pipeline_draws_the_same():
    saved = A.Compose([A.HorizontalFlip(), A.RandomScale(0.5, p=1), A.Affine(rotate=20, p=1)])
    written = from_saved(json.loads(json.dumps(saved.to_dict())))
    plain = {
        "Compose": [
            "HorizontalFlip",
            {"RandomScale": {"scale_limit": 0.5, "p": 1}},
            {"Affine": {"rotate": 20, "p": 1}},
        ]
    }
    for seed in range(5):
        assert all(map(np.array_equal, drawn(written, seed), drawn(plain, seed)))


@pytest.fixture(scope="module")
def split():
    return load_split(ScenesData(dataset="scenes", image_size=SIZE, train=11, val=2), "train")


def epoch(split, workers):
    batches = TrainingBatches(split, batch_size=3, augment=PIPELINE, seed=1, workers=workers)
    return [tensor.numpy().tobytes() for batch in batches.epoch(2) for tensor in batch]


def test_workers_change_nothing(split):
    assert epoch(split, 0) == epoch(split, 3)


def test_labels_that_are_no_class_are_refused_before_training(split):
    step = {"Rotate": {"limit": [40, 41], "fill_mask": 99, "p": 1}}
    with pytest.raises(SettingsError, match=r"labels \[99\]"):
        try_augment(split, {"Compose": [step]}, seed=1)


def test_real_masks_keep_their_classes(camvid_root):
    dataset = Camvid(CamvidData(dataset="camvid", root=camvid_root))
    image, label = dataset.load("train", 0)
    used = augmenter(PIPELINE, label.shape, dataset.ignore_index)
    labels = [used.changed(image, label, seed)[1] for seed in range(3)]
    assert {int(each) for mask in labels for each in np.unique(mask)} <= {*range(12)}
    assert all((mask == dataset.ignore_index).mean() < 0.9 for mask in labels)
