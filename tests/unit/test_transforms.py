import subprocess
import sys

import numpy as np
import pytest

from trainer import catalog, transforms

RANDOM = [name for name in catalog.AUGMENTATIONS if name != "none"]
HEIGHT, WIDTH, IGNORED = 24, 40, 200


@pytest.fixture(scope="module")
def pair():
    """An image whose pixels are all different, and a mask of two far apart ids."""
    image = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint32).reshape(HEIGHT, WIDTH, 3) % 251
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    mask[:, WIDTH // 2 :] = 90
    return image.astype(np.uint8), mask


@pytest.fixture(params=RANDOM)
def pipeline(request):
    return catalog.load(catalog.AUGMENTATIONS, request.param)(HEIGHT, WIDTH, IGNORED)


def drawn(pipeline, pair, name, epoch=1):
    transforms.reseed(pipeline, 7, 0, epoch, name)
    changed = pipeline(image=pair[0], mask=pair[1])
    return changed["image"], changed["mask"]


def test_size_and_types_stay_and_masks_are_never_interpolated(pipeline, pair):
    for index in range(30):
        image, mask = drawn(pipeline, pair, str(index))
        assert image.shape == (HEIGHT, WIDTH, 3)
        assert mask.shape == (HEIGHT, WIDTH)
        assert image.dtype == mask.dtype == np.uint8
        assert set(np.unique(mask).tolist()) <= {0, 90, IGNORED}


def test_what_is_drawn_depends_on_image_and_epoch_alone(pipeline, pair):
    names = [str(index) for index in range(12)]
    first = {name: drawn(pipeline, pair, name)[0].tobytes() for name in names}
    again = {name: drawn(pipeline, pair, name)[0].tobytes() for name in reversed(names)}
    later = {name: drawn(pipeline, pair, name, epoch=2)[0].tobytes() for name in names}
    assert first == again != later
    assert len(set(first.values())) > 2


def test_padding_is_ignored():
    pipeline = transforms.scale_crop_jitter(HEIGHT, WIDTH, IGNORED)
    full = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    picture = np.full((HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
    draws = [drawn(pipeline, (picture, full), str(index)) for index in range(20)]
    # colours are jittered after the padding, so that it is dark but not black
    padded = [(image, mask) for image, mask in draws if (mask == IGNORED).any()]
    assert padded
    assert all(image[mask == IGNORED].max() < image[mask == 0].min() for image, mask in padded)


def test_images_and_masks_are_mirrored_together():
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    mask[:5, :9] = 90
    image = np.repeat(mask[..., None], 3, axis=2)
    pipeline = transforms.flips(HEIGHT, WIDTH, IGNORED)
    draws = [drawn(pipeline, (image, mask), str(index)) for index in range(20)]
    assert all(np.array_equal(image[..., 0], mask) for image, mask in draws)
    # all four ways: one flip does not follow from the other
    assert len({mask.tobytes() for _, mask in draws}) == 4


def test_none_does_not_import_albumentations():
    code = (
        "import sys, trainer.loader, trainer.transforms as t; t.none(8, 8, 255); "
        "sys.exit('albumentations' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
