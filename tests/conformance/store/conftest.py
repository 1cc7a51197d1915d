"""The three stores: SQLite in memory, SQLite in a file, PostgreSQL."""

import os
import subprocess

import pytest
from sqlalchemy.exc import SQLAlchemyError

from searchctl.orchestrator.storage import lease
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.faults import full, unreachable
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.writes.new_sweeps import create_sweep
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from tests.sweeps.stored_sweeps import new_sweep

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
    """A stored sweep without a driver."""
    create_sweep(engine, new_sweep())
    return queries.find_sweep(engine, "first")


@pytest.fixture
def writer(engine, sweep):
    """A driver's hand on the sweep."""
    assert lease.acquire(engine, sweep.id, "mine", "here:1", 30) is None
    return SweepWriter(engine, sweep.id, "mine", 30)


@pytest.fixture
def small_disk():
    """Makes a file system of a few MiB at a directory; remounts it with other options."""
    mounted = []

    def mount(folder, options):
        what = [] if folder not in mounted else ["remount"]
        command = ["mount", "-t", "tmpfs", "-o", ",".join([*what, options]), "tmpfs", str(folder)]
        if (
            os.geteuid() != 0
            or subprocess.run(command, check=False, capture_output=True).returncode
        ):
            pytest.skip("only root may mount a small file system")
        if not what:
            mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def outcome():
    """Says what an action's failure means: try 'again', 'full', or a fault of 'ours'."""

    def of(action):
        with pytest.raises(SQLAlchemyError) as caught:
            action()
        meanings = {"again": unreachable(caught.value), "full": full(caught.value)}
        return next((name for name, holds in meanings.items() if holds), "ours")

    return of
