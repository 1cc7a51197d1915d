import cv2
import numpy as np
import pytest

from searchctl.trainer.data.crop import Window, cut_image, cut_label

WHOLE = Window(0.0, 0.0, 1.0, 1.0)
CENTRE = Window(0.25, 0.25, 0.5, 0.5)


def noise(height, width):
    return np.random.default_rng(0).integers(1, 255, (height, width, 3), dtype=np.uint8)


def halves(height, width):
    """A label whose left half is class 1, its right half class 2."""
    label = np.ones((height, width), dtype=np.uint8)
    label[:, width // 2 :] = 2
    return label


def test_a_crop_of_the_full_image_at_its_own_size_is_the_image():
    image = noise(12, 16)
    assert np.array_equal(cut_image(image, WHOLE, (12, 16)), image)


@pytest.mark.parametrize("native", [(12, 16), (24, 32), (30, 20), (7, 9)])
def test_a_crop_has_the_requested_size(native):
    assert cut_image(noise(*native), CENTRE, (12, 16)).shape == (12, 16, 3)
    assert cut_label(halves(*native), CENTRE, (12, 16), 255).shape == (12, 16)


def test_a_half_size_crop_of_a_doubled_image_has_its_exact_pixels():
    image = noise(24, 32)
    assert np.array_equal(cut_image(image, CENTRE, (12, 16)), image[6:18, 8:24])


def test_a_shape_is_kept_relative_to_the_image_whatever_that_is():
    for native in ((24, 32), (60, 20)):
        seen = cut_label(halves(*native), Window(0.1, 0.25, 0.5, 0.5), (10, 20), 255)
        assert np.array_equal(seen, halves(10, 20))


def test_beyond_the_image_there_is_nothing():
    twice = Window(-0.25, -0.75, 2.0, 2.0)
    image = cut_image(noise(24, 32), twice, (24, 32))
    label = cut_label(halves(24, 32), twice, (24, 32), 255)
    inside = np.zeros((24, 32), dtype=bool)
    inside[3:15, 12:28] = True
    assert np.array_equal(label != 255, inside)
    assert not image[~inside].any()
    assert image[inside].all()


def test_labels_are_of_the_pixel_at_the_centre():
    label = np.zeros((24, 24), dtype=np.uint8)
    label[1::3, 1::3] = 1  # the centre of each 3x3 block
    assert (cut_label(label, WHOLE, (8, 8), 255) == 1).all()


def test_a_large_source_shows_detail_that_its_stretched_copy_has_lost():
    fine = np.zeros((96, 128, 3), dtype=np.uint8)
    fine[:, ::2] = 255  # stripes of one pixel
    small = cv2.resize(fine, (32, 24), interpolation=cv2.INTER_AREA)
    quarter = Window(0.25, 0.25, 0.25, 0.25)
    assert np.ptp(cut_image(fine, quarter, (24, 32))) == 255
    assert np.ptp(cut_image(small, quarter, (24, 32))) <= 1
