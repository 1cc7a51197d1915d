"""Augmentations of the user's own, by import path."""

import sys

import numpy as np
import pytest

from searchctl.trainer.checks.parts import Images, check_part, kind_of
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.data.augment.chosen import augmenter
from searchctl.trainer.settings.training import TrainSettings

CODE = """\
import albumentations as A
import numpy as np

pipeline = A.Compose([A.HorizontalFlip(), A.Rotate(limit=(30, 40), p=1)])

def made(strength=0.2, image_size=None):
    return A.Compose([A.RandomScale(strength, p=1), A.PadIfNeeded(*image_size)])

def noisy(image, mask, rng, width=10):
    return np.clip(image + rng.integers(-width, width, image.shape), 0, 255).astype("uint8"), mask

def global_noise(image, mask):
    return image + np.random.randint(0, 9, image.shape, dtype="uint8"), mask

def relabelled(image, mask):
    return image, mask + 40

def alone(image, mask):
    return image
"""
SIZE = (40, 60)


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "my_aug.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("my_aug", None)


def drawn(name, seed=1, **args):
    settings = TrainSettings(augment=f"my_aug:{name}", augment_args=args)
    image = np.full((*SIZE, 3), 100, dtype=np.uint8)
    used = augmenter(settings.augmentation, SIZE, 255)
    return used.changed(image, np.full(SIZE, 4, dtype=np.uint8), seed)


def failed(name):
    settings = TrainSettings(augment=f"my_aug:{name}")
    found = check_part("augment", settings, Images(), only_quick=True)
    return {each.check: each.problem for each in found if each.problem}


def test_a_pipeline_object_ignores_what_lies_beyond_an_image():
    assert set(np.unique(drawn("pipeline")[1]).tolist()) == {4, 255}


def test_a_factory_is_given_its_arguments_and_the_size():
    image, label = drawn("made", strength=0.5)
    assert (image.shape, label.shape) == ((*SIZE, 3), SIZE)
    assert len({drawn("made", seed, strength=0.9)[1].tobytes() for seed in range(6)}) > 1


def test_a_callable_draws_from_what_it_is_given():
    assert np.array_equal(drawn("noisy", 3)[0], drawn("noisy", 3)[0])
    assert not np.array_equal(drawn("noisy", 3)[0], drawn("noisy", 4)[0])
    assert np.ptp(drawn("noisy", width=1)[0]) <= 1


@pytest.mark.parametrize("name", ["pipeline", "made", "noisy"])
def test_what_is_right_passes_its_checks(name):
    assert failed(name) == {}


@pytest.mark.parametrize(
    ("name", "check", "words"),
    [
        ("global_noise", "draws depend on the seed alone", "parameter rng"),
        ("relabelled", "masks have known labels", "which are no classes"),
        ("alone", "draws depend on the seed alone", "return image, mask"),
        ("CODE", "it can be built", "no CODE"),
    ],
)
def test_what_is_wrong_is_found_before_the_first_job(name, check, words):
    assert words in failed(name)[check]


def test_arguments_of_an_object_are_refused():
    with pytest.raises(SettingsError, match="takes no augment_args"):
        drawn("pipeline", p=1)


def test_the_kind_of_an_augmentation_is_recognised():
    assert {kind_of(f"my_aug:{name}") for name in ("pipeline", "noisy")} == {"augment"}
