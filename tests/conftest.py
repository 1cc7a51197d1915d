"""Data that several tests share."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from searchctl.trainer.data.settings import ScenesData
from tests.servers import chromium
from tests.servers.missing import missing
from tests.servers.postgres_server import PostgresServer, binaries

DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Keep decoded images apart from the user's, here and in all processes that are started."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("XDG_CACHE_HOME")
    if before is not None:
        os.environ["XDG_CACHE_HOME"] = before


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
def pet_breeds_root(oxford_pets_root, tmp_path_factory):
    """The same images, linked into train/BREED and test/BREED as the official lists have them."""
    root = tmp_path_factory.mktemp("breeds")
    for split, listed in (("train", "trainval"), ("test", "test")):
        for line in (oxford_pets_root / "annotations" / f"{listed}.txt").read_text().splitlines():
            name = line.split()[0]
            breed = root / split / name.rpartition("_")[0]
            breed.mkdir(parents=True, exist_ok=True)
            (breed / f"{name}.jpg").symlink_to(oxford_pets_root / "images" / f"{name}.jpg")
    return root


@pytest.fixture(scope="session")
def drawn_classes_root(tmp_path_factory):
    """Pictures of two classes, upright or flat stripes, in train/CLASS; a fifth validates."""
    root = tmp_path_factory.mktemp("stripes")
    rng = np.random.default_rng(0)
    stripes = np.broadcast_to(np.arange(32) % 8 < 4, (32, 32))
    for name, pattern in (("flat", stripes.T), ("upright", stripes)):
        (root / "train" / name).mkdir(parents=True)
        for index in range(20):
            pixels = 90 + 60 * pattern[..., None] + rng.integers(-40, 40, (32, 32, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(root / "train" / name / f"{index}.png")
    return root


@pytest.fixture(scope="session")
def small_scenes():
    """Street scenes that a small network learns in seconds."""
    return ScenesData(dataset="scenes", image_size=(24, 32), train=16, val=6, test=4)


@pytest.fixture(scope="session")
def browser():
    """A real Chromium for the whole run; in CI it must not be missing."""
    if chromium.binaries() is None:
        missing("Chromium", "chromium chromium-driver")
    with chromium.chromium() as found:
        yield found


@pytest.fixture(scope="session")
def postgres_server():
    """A real PostgreSQL server for the whole run; in CI it must not be missing."""
    if binaries() is None:
        missing("PostgreSQL's server", "postgresql")
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server):
    """An empty PostgreSQL database."""
    return postgres_server.new_database()
