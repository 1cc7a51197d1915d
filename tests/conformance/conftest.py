"""The three stores: SQLite in memory, SQLite in a file, PostgreSQL."""

import pytest

from orchestrator.storage import lease, queries
from orchestrator.storage.database import open_database
from orchestrator.storage.writer import SweepWriter, create_sweep
from tests.stored_sweeps import new_sweep

STORES = ("memory", "file", "postgresql")


@pytest.fixture(params=STORES)
def store_url(request, tmp_path):
    """An empty store of each kind."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def engine(store_url):
    """A store with the tables, and nothing in them."""
    engine = open_database(store_url, create=True)
    yield engine
    engine.dispose()


@pytest.fixture
def sweep(engine):
    """A stored sweep that nobody drives."""
    create_sweep(engine, new_sweep())
    return queries.find_sweep(engine, "first")


@pytest.fixture
def writer(engine, sweep):
    """A driver's hand on the sweep."""
    assert lease.acquire(engine, sweep.id, "mine", "here:1", 30) is None
    return SweepWriter(engine, sweep.id, "mine", 30)
