import zlib

import numpy as np
import pytest

from searchctl.orchestrator.storage.results import image_counts, image_rows
from tests.sweeps.stored_sweeps import counts


def test_counts_come_back_as_they_were():
    (row,) = image_rows(counts())
    for name, array in vars(image_counts(row)).items():
        np.testing.assert_array_equal(array, getattr(counts(), name), strict=True)


@pytest.mark.parametrize(
    "damage",
    [
        {"counts": b"\0"},
        {"counts": b""},
        {"loss_sums": zlib.compress(b"half a number")},
        {"pixels": image_rows(counts())[0]["pixels"][:-1]},
        {"pixels": zlib.compress(bytes(8))},
        {"images": -1},
        {"images": 3},
        {"classes": 10**12},
    ],
    ids=str,
)
def test_damaged_counts_are_refused(damage):
    (row,) = image_rows(counts())
    with pytest.raises(ValueError):  # noqa: PT011 - the words are zlib's, numpy's or ours
        image_counts(row | damage)
