import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.sets.colours import ColourTable

COLOURS = {(255, 0, 0): 0, (0, 255, 0): 1, (0, 0, 255): 2, (9, 9, 9): 7}


def decode(pixels, **changes):
    return ColourTable(COLOURS, 7, **changes).decode(Image.fromarray(pixels))


def test_each_byte_of_a_colour_counts():
    pixels = np.array([[*COLOURS, (255, 0, 1), (254, 0, 0), (0, 1, 0)]], np.uint8)
    assert decode(pixels, most_strays=1).tolist() == [[0, 1, 2, 7, 7, 7, 7]]


def test_as_many_strays_as_are_allowed_are_ignored_and_one_more_is_refused():
    pixels = np.zeros((10, 100, 3), np.uint8)
    pixels[..., 0] = 255
    pixels[0, :10] = (1, 2, 3)
    assert (decode(pixels)[0, :10] == 7).all()
    pixels[1, 0] = (3, 2, 1)
    with pytest.raises(DataError, match=r"1\.1 % .* in \(1, 2, 3\), \(3, 2, 1\): it was resized"):
        decode(pixels)


def test_a_table_can_hold_255_colours():
    ids = {(0, 0, value): value for value in range(255)}
    pixels = np.array([list(ids)], np.uint8)
    label = ColourTable(ids, 255).decode(Image.fromarray(pixels))
    assert label.tolist() == [list(range(255))]


def test_transparency_changes_no_class():
    pixels = np.array([[(255, 0, 0, 0), (0, 255, 0, 128)]], np.uint8)
    assert decode(pixels).tolist() == [[0, 1]]
