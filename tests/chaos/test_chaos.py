"""Short runs of the suite: `make chaos` is the long one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.suite import plan
from tests.chaos.sweeps.places import PLACES

PROJECT = Path(__file__).parents[2]
KILLS = 15
FEW = 1  # the driver, on one machine: no second reference, no cluster
TIMEOUT_S = 1000


@pytest.fixture
def run_suite(camvid_root, postgres_server):
    """Run the suite; it ends all that it started, also when it takes too long."""
    started = []

    def run(*arguments):
        command = [sys.executable, "-m", "tests.chaos", "--camvid", camvid_root, *arguments]
        suite = subprocess.Popen(command, cwd=PROJECT)  # its lines are its story: shown by -s
        started.append(suite)
        return suite.wait(TIMEOUT_S)

    yield run
    for suite in started:
        suite.terminate()
        suite.wait(60)


@pytest.mark.timeout(TIMEOUT_S + 100)
@pytest.mark.skipif(sys.platform != "linux", reason="processes are followed by /proc")
@pytest.mark.parametrize("kills", [FEW, pytest.param(KILLS, marks=pytest.mark.exhaustive)])
def test_a_sweep_killed_anywhere_ends_like_an_undisturbed_one(run_suite, kills):
    assert run_suite("--kills", str(kills)) == 0


@pytest.mark.exhaustive
@pytest.mark.timeout(TIMEOUT_S + 100)
@pytest.mark.skipif(sys.platform != "linux", reason="processes are followed by /proc")
def test_cohorts_and_an_extension_that_are_killed_end_like_undisturbed_ones(run_suite):
    one_in_each_part = ("--kills", "2", "--only", "driver", "--where", "extended")
    assert run_suite(*one_in_each_part) == 0


@pytest.mark.parametrize("seed", range(3))
def test_every_kind_of_kill_is_among_fifteen(seed):
    kills = plan(KILLS, seed)
    assert sum(len(kinds) for kinds in kills.values()) == KILLS
    for name, kinds in kills.items():
        # a driver takes a minute to believe that its Ray is dead: not in the short run
        assert set(kinds) == set(PLACES[name].kinds) - {"ray"}
