"""Data that several tests share."""

from pathlib import Path

import pytest

from trainer.data_settings import ScenesData

DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def camvid_root():
    """The real CamVid, in the SegNet layout."""
    root = DATA / "camvid"
    if not (root / "train.txt").exists():
        pytest.skip(f"CamVid is not at {root}")
    return root


@pytest.fixture(scope="session")
def small_scenes():
    """Street scenes that a small network learns in seconds."""
    return ScenesData(dataset="scenes", image_size=(24, 32), train=16, val=6, test=4)
