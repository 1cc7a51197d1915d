import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from searchctl.trainer.core.array_views import ArrayStack
from searchctl.trainer.data.loader import TrainingBatches, fixed_batches, load_split
from searchctl.trainer.data.settings import FolderData, ImageFolderData, ScenesData

SCENES = ScenesData(dataset="scenes", image_size=(24, 32), train=17, val=5)


@pytest.fixture(scope="module")
def split():
    return load_split(SCENES, "train")


def batches(split, **changes):
    settings = {"batch_size": 4, "augment": "none", "seed": 1, "workers": 0, **changes}
    return TrainingBatches(split, **settings)


def same(first, second):
    return all(
        torch.equal(a, b)
        for left, right in zip(first, second, strict=True)
        for a, b in zip(left, right, strict=True)
    )


def order(split, drawn):
    """Positions in the split of the images that were drawn, found by their pixels."""
    position = {image.tobytes(): index for index, image in enumerate(split.images)}
    images = torch.cat([images for images, _ in drawn]).permute(0, 2, 3, 1).numpy()
    return [position[image.tobytes()] for image in images]


@pytest.mark.parametrize(
    ("images", "batch_size", "sizes"),
    [
        (8, 4, [4, 4]),
        (10, 4, [4, 4, 2]),
        (9, 4, [4, 5]),
        (17, 16, [17]),
        (3, 16, [3]),
        (1, 4, [1]),
        (5, 2, [2, 3]),
    ],
)
@pytest.mark.parametrize("augment", ["none", "flips"])
def test_a_last_batch_of_one_joins_the_batch_before(split, images, batch_size, sizes, augment):
    part = batches(split.take(range(images)), batch_size=batch_size, augment=augment)
    assert [len(labels) for _, labels in part.epoch(1)] == sizes
    assert part.sizes == sizes
    assert len(part) == len(sizes)


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_are_uint8_and_channels_first(split, workers):
    images, labels = next(batches(split, workers=workers).epoch(1))
    assert (images.shape, labels.shape) == ((4, 3, 24, 32), (4, 24, 32))
    assert images.dtype == labels.dtype == torch.uint8
    assert images.is_contiguous()


def test_an_epoch_shows_every_image_once_with_its_own_label(split):
    drawn = list(batches(split).epoch(3))
    shown = order(split, drawn)
    assert sorted(shown) == list(range(17))
    assert np.array_equal(torch.cat([labels for _, labels in drawn]), split.labels[shown])


def test_the_order_depends_on_the_seed(split):
    first, other = (batches(split, **c).epoch(1) for c in ({}, {"seed": 2}))
    assert order(split, first) != order(split, other)


def test_the_order_depends_on_the_epoch_but_not_on_epochs_before(split):
    used = batches(split)
    epochs = [list(used.epoch(epoch)) for epoch in (1, 2)]
    assert not same(*epochs)
    assert same(epochs[1], batches(split).epoch(2))


@pytest.mark.parametrize("augment", ["none", "flip_crop", "scale_crop_jitter"])
def test_workers_change_nothing(split, augment):
    alone, two = (batches(split, augment=augment, workers=workers) for workers in (0, 2))
    for epoch in (1, 2):
        assert same(list(alone.epoch(epoch)), list(two.epoch(epoch)))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("augment", ["none", "flips"])
def test_loading_leaves_the_global_generator_alone(split, augment, workers):
    before = torch.get_rng_state()
    used = batches(split, augment=augment, workers=workers)
    for epoch in (1, 2):
        list(used.epoch(epoch))
    assert torch.equal(torch.get_rng_state(), before)


def test_augmentation_differs_by_epoch_and_not_by_place_in_the_order(split):
    def image_4(used, epoch):
        place = order(used, batches(used).epoch(epoch)).index(used.names.index(split.names[4]))
        drawn = batches(used, augment="flip_crop").epoch(epoch)
        return torch.cat([images for images, _ in drawn])[place]

    backwards = split.take(list(reversed(range(17))))
    assert torch.equal(image_4(split, 1), image_4(backwards, 1))
    assert not torch.equal(image_4(split, 1), image_4(split, 2))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_left_half_way_does_not_disturb_the_next(split, workers):
    used = batches(split, augment="flips", workers=workers)
    next(used.epoch(1))
    assert same(list(used.epoch(2)), list(batches(split, augment="flips").epoch(2)))


def test_fixed_batches_show_everything_in_order_and_unchanged(split):
    drawn = list(fixed_batches(split, 16))
    assert [len(labels) for _, labels in drawn] == [16, 1]
    assert order(split, drawn) == list(range(17))
    assert np.array_equal(torch.cat([labels for _, labels in drawn]), split.labels)


def test_changing_a_batch_leaves_the_split_as_it_was(split):
    before = np.asarray(split.labels)
    for source in (fixed_batches(split, 4), batches(split).epoch(1)):
        for images, labels in source:
            images.zero_()
            labels.zero_()
    assert np.array_equal(split.labels, before)
    assert np.asarray(split.images).any()


def loader_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


def test_leaving_an_epoch_ends_its_threads(split):
    epoch = batches(split, workers=2).epoch(1)
    next(epoch)
    assert loader_threads()
    epoch.close()
    assert not loader_threads()


def test_an_error_in_a_thread_is_raised_as_itself(split):
    class Gone:
        def __getitem__(self, index):
            raise OSError("Input/output error")

    images = ArrayStack([(Gone(), index) for index in range(17)], (24, 32, 3))
    with pytest.raises(OSError, match="Input/output error"):
        list(batches(replace(split, images=images), workers=2).epoch(1))
    assert not loader_threads()


def test_batches_are_made_ahead_but_not_without_end(split):
    shown = []

    class Seen:
        def __getitem__(self, index):
            shown.append(index)
            return split.images[index]

    images = ArrayStack([(Seen(), index) for index in range(17)], (24, 32, 3))
    epoch = batches(replace(split, images=images), batch_size=2, workers=1).epoch(1)
    next(epoch)
    time.sleep(0.2)
    assert len(shown) == 2 * 3
    epoch.close()


@pytest.mark.parametrize("augment", ["none", "flips", "flip_crop", "scale_crop_jitter"])
@pytest.mark.parametrize("workers", [0, 2])
def test_the_class_of_a_whole_image_stays_with_it(tmp_path, augment, workers):
    for class_id, name in enumerate(("dark", "light")):
        for index in range(10):
            path = tmp_path / name / f"{index}.png"
            path.parent.mkdir(exist_ok=True)
            Image.new("RGB", (40, 30), (30 + 220 * class_id,) * 3).save(path)
    data = ImageFolderData(dataset="image_folder", root=tmp_path, image_size=(24, 32))
    for images, labels in batches(
        load_split(data, "train"), augment=augment, workers=workers
    ).epoch(1):
        assert labels.shape == (len(images), 1, 1)
        light = images.amax(dim=(1, 2, 3)) > 100  # by far: colours are jittered by a quarter
        assert torch.equal(labels.flatten(), light.to(torch.uint8))


def test_crops_of_large_images_have_detail_that_their_stretched_copies_have_lost(tmp_path):
    stripes = np.zeros((96, 128, 3), dtype=np.uint8)
    stripes[:, ::4] = 255
    for index in range(4):
        for kind, picture in (("images", stripes), ("masks", stripes[..., 0] % 2)):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.fromarray(picture).save(tmp_path / kind / f"{index}.png")
    settings = {"classes": ["a", "b"], "image_size": (24, 32), "test": 0}
    split = load_split(FolderData(dataset="folder", root=tmp_path, **settings), "train")
    contrast = {
        augment: max(
            float(image[0].float().std())
            for epoch in range(10)
            for images, _ in batches(split, augment=augment).epoch(epoch)
            for image in images
        )
        for augment in ("none", "flip_crop")
    }
    assert contrast["none"] < 5 < 20 < contrast["flip_crop"]
