"""A finished sweep whose jobs left pictures, and its dashboard with and without a token."""

import pytest

from searchctl.trainer.core.atomic_files import write_atomically
from tests.servers.dashboards import TOKEN, dashboard_of, picture_of, served


@pytest.fixture(scope="session")
def drawing(quick_runner):
    """A runner whose jobs leave a picture, as those do that train."""

    def run(job, on_epoch, stop):
        write_atomically(job.out / "masks.png", picture_of(job))
        return quick_runner(job, on_epoch, stop)

    return run


@pytest.fixture(scope="module")
def swept(sweeps_below, tmp_path_factory, drawing):
    """A database with a finished sweep."""
    sweeps = sweeps_below(tmp_path_factory.mktemp("dashboard"))
    sweeps.launch(drawing)
    return sweeps


@pytest.fixture(scope="module")
def guarded(swept):
    """The port of the dashboard behind its token."""
    with served(dashboard_of(swept), TOKEN) as port:
        yield port


@pytest.fixture(scope="module")
def opened(swept):
    """The port of the dashboard without one."""
    with served(dashboard_of(swept)) as port:
        yield port
