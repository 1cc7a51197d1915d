"""From rasters on the disk to a network's input: cache, statistics, augmentation, scores."""

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from pydantic import ValidationError
from upath import UPath

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.trainer.data.augment.presets import PresetAugmenter, flip_crop
from searchctl.trainer.data.loader import TrainingBatches, fixed_batches, load_split
from searchctl.trainer.data.normalisation import IMAGENET, Normalisation, measured
from searchctl.trainer.data.resizing import resized_image
from searchctl.trainer.data.samples import normalisation_of
from searchctl.trainer.data.settings import FolderData, Sample, ScenesData
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.settings.training import TrainSettings
from tests.jobs.small_jobs import run_small

BANDS = 5


@pytest.fixture
def root(tmp_path):
    """Rasters of 16 bits, whose last two bands alone show the object; the first row is missing."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for index in range(10):
        rng = np.random.default_rng(index)
        image = rng.integers(1, 3000, (16, 24, BANDS)).astype(np.uint16)
        mask = np.zeros((16, 24), np.uint8)
        mask[index : index + 6, 4:14] = 1
        image[..., 3] += 20000 * mask.astype(np.uint16)
        image[..., 4] = 60000 - 30000 * mask.astype(np.uint16)
        image[0] = 0
        tifffile.imwrite(
            tmp_path / "images" / f"{index}.tif",
            image,
            photometric="minisblack",
            planarconfig="contig",
        )
        Image.fromarray(mask).save(tmp_path / "masks" / f"{index}.png")
    return tmp_path


def data(root, **changes):
    settings = {"bands": range(BANDS), "nodata": 0, "image_size": (16, 24), "val": 0.3, "test": 0}
    settings |= {"classes": ["a", "b"], "cache_dir": root / "cache", **changes}
    return FolderData(dataset="folder", root=root, **settings)


def stored(root, split="train", **changes):
    return load_split(data(root, **changes), split)


def test_batches_hold_the_very_numbers_of_the_files(root):
    split = stored(root)
    images, labels = next(fixed_batches(split, 2))
    assert (images.dtype, images.shape) == (torch.float32, (2, BANDS, 16, 24))
    raw = tifffile.imread(root / "images" / split.names[0]).astype(np.float32)
    assert np.array_equal(images[0, :, 1:].numpy(), np.moveaxis(raw, -1, 0)[:, 1:])
    assert images[:, :, 0].isnan().all()
    assert (labels[:, 0] == 255).all()
    assert (labels[:, 1:] < 2).all()


def test_missing_pixels_are_not_in_the_counts_of_classes(root):
    assert (stored(root).pixels.sum(axis=1) == 16 * 24).all()
    assert (stored(root).class_pixels.sum(axis=1) == 15 * 24).all()


def test_mean_and_deviation_are_measured_on_the_training_images_and_kept(root):
    split = stored(root)
    files = [tifffile.imread(root / "images" / name)[1:] for name in split.names]
    pixels = np.concatenate([each.reshape(-1, BANDS) for each in files]).astype(np.float64)
    found = normalisation_of(data(root))
    assert found.mean == pytest.approx(pixels.mean(axis=0), rel=1e-5)
    assert found.std == pytest.approx(pixels.std(axis=0), rel=1e-5)
    [kept] = (root / "cache").glob("folder-train-exact-*/bands.json")
    kept.write_text(kept.read_text().replace(str(found.mean[0]), "7.0"))
    normalisation_of.cache_clear()
    assert normalisation_of(data(root)).mean[0] == 7


def test_given_statistics_are_taken_as_they_are(root):
    given = {"band_mean": [1, 2, 3, 4, 5], "band_std": [1, 1, 2, 2, 2]}
    assert normalisation_of(data(root, **given)) == Normalisation((1, 2, 3, 4, 5), (1, 1, 2, 2, 2))


def test_eight_bit_images_are_normalised_by_imagenet():
    assert normalisation_of(ScenesData(dataset="scenes")) == IMAGENET


def test_small_deviations_of_large_numbers_are_measured():
    rng = np.random.default_rng(0)
    images = [(1e6 + rng.normal(size=(50, 50, 1))).astype(np.float64) for _ in range(3)]
    assert measured(images, 1).std == pytest.approx([np.std(images)], rel=1e-4)


def test_a_constant_band_is_not_divided_by_zero():
    assert measured([np.full((4, 4, 1), 3.0)], 1) == Normalisation((3.0,), (1.0,))


def test_missing_pixels_are_the_mean_after_normalisation(root):
    images, _ = next(fixed_batches(stored(root), 2))
    before = images.clone()
    cpu = torch.device("cpu")
    normalised = Precision(TrainSettings(), cpu, normalisation_of(data(root))).normalise(images)
    assert not normalised[:, :, 0].any()
    assert normalised[:, :, 1:].std() == pytest.approx(1, abs=0.2)
    assert torch.equal(images.nan_to_num(), before.nan_to_num())


def test_each_band_is_resized_like_an_image_of_its_own():
    image = np.random.default_rng(0).random((20, 30, 7)).astype(np.float32)
    for size in ((10, 15), (9, 31), (40, 60)):
        each = [resized_image(np.dstack([image[..., b]] * 3), size)[..., 0] for b in range(7)]
        assert np.allclose(resized_image(image, size), np.dstack(each), atol=1e-6)
        assert resized_image(image[..., :1], size).shape == (*size, 1)


@pytest.mark.parametrize("bands", [1, 2, 5, 12])
def test_what_a_crop_cannot_see_is_missing_in_image_and_label(bands):
    image = np.random.default_rng(0).random((20, 30, bands)).astype(np.float32)
    image[:3] = np.nan
    augmenter = PresetAugmenter(flip_crop, (10, 15), 255)
    for seed in range(20):
        changed, label = augmenter.changed(image, np.zeros((20, 30), np.uint8), seed)
        assert changed.shape == (10, 15, bands)
        assert np.array_equal(np.isnan(changed).any(axis=2), label == 255)


def test_workers_give_the_same_batches(root):
    def batches(workers):
        options = {"batch_size": 3, "augment": "flip_crop", "seed": 0}
        return TrainingBatches(stored(root), **options, workers=workers).epoch(1)

    for (images, labels), (others, other_labels) in zip(batches(0), batches(2), strict=True):
        assert torch.equal(images.nan_to_num(-1), others.nan_to_num(-1))
        assert torch.equal(labels, other_labels)


def test_a_job_on_rasters_learns_what_only_other_bands_show(root, tmp_path):
    settings = TrainSettings(model="unet", width=8, epochs=12, batch_size=3, lr=1e-2)
    out = UPath(tmp_path / "out")
    result = run_small(settings, Sample(data(root), 7, 0), out=out, final=True, masks=1)
    assert result.status == "complete", result.error
    assert result.score > 0.8
    assert result.evaluations["val_original"].miou == pytest.approx(result.score, abs=0.05)


def test_jitter_of_colours_is_refused_by_name(root):
    raw = {
        "name": "x",
        "data": data(root).model_dump(mode="json"),
        "space": {"augment": ["none", "scale_crop_jitter"]},
    }
    with pytest.raises(ValidationError, match="scale_crop_jitter jitters colours of 8-bit RGB"):
        Sweep.model_validate(raw)
