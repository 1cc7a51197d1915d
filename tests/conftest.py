"""Data that several tests share."""

import os
from pathlib import Path

import pytest

from tests.postgres_server import PostgresServer, binaries
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
def oxford_pets_root():
    """A part of the real Oxford-IIIT Pet, in its official layout."""
    root = DATA / "oxford_pets"
    if not (root / "annotations" / "trainval.txt").exists():
        pytest.skip(f"Oxford-IIIT Pet is not at {root}")
    return root


@pytest.fixture(scope="session")
def small_scenes():
    """Street scenes that a small network learns in seconds."""
    return ScenesData(dataset="scenes", image_size=(24, 32), train=16, val=6, test=4)


@pytest.fixture(scope="session")
def postgres_server():
    """A real PostgreSQL server for the whole run; in CI it must not be missing."""
    if binaries() is None:
        why = "PostgreSQL's server is not installed (Debian: apt-get install postgresql)"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server):
    """An empty PostgreSQL database."""
    return postgres_server.new_database()
