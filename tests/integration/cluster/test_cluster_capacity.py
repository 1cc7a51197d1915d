"""Jobs and the nodes of a cluster that come and go, in the middle of a rung too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.ray_cluster import RayCluster

ROOT = Path(__file__).parents[3]
A100 = json.dumps({"licence": 1, "accelerator_type:A100": 1})

DRIVER = """
import json, sys, time
from pathlib import Path
from searchctl.orchestrator.executors.ray import tune as ray_tune
from searchctl.orchestrator.executors.ray import watch
from searchctl.trainer.core.results import JobResult
from tests.jobs.executors import BracketSource, by_value, never

folder = Path(sys.argv[2])

def slow(job, on_epoch, stop):
    (folder / "started").touch()
    while not (folder / "continue").exists():
        time.sleep(0.1)
    return JobResult("complete", float(job.trial))

class Telling(BracketSource):
    def waiting(self, waiting):
        print("waiting", json.dumps(waiting and waiting.to_json()), flush=True)

    def started(self, job, worker):
        print("started", flush=True)

    def lost(self, job, error):
        super().lost(job, error)
        print("lost", flush=True)

by_value(never)
ray_tune.BEGINS_WITHIN_S = watch.NODES_EVERY_S = 1
source = Telling(trials=2)
others = {"licence": 1, "accelerator_type:A100": 0.001}
executor = ray_tune.RayTuneExecutor(others=others, address=sys.argv[1], runner=by_value(slow))
executor.run(source, never)
print("finished", source.bracket.finished, len(source.results), flush=True)
"""


@pytest.fixture(scope="module")
def cluster():
    with RayCluster() as cluster:
        cluster.start_head(cpus=1)
        yield cluster


@pytest.fixture
def driver(cluster, tmp_path):
    command = [sys.executable, "-c", DRIVER]
    env = {**os.environ, **cluster.access}
    with subprocess.Popen(
        [*command, cluster.address, str(tmp_path)],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:
        yield driver
        driver.kill()


def until(driver, what):
    """Return what the driver's next line of a kind says."""
    for line in driver.stdout:
        if line.startswith(what):
            return line.removeprefix(what).strip()
    pytest.fail(f"the driver ended and did not say '{what}'")


def wait_of(driver, *, some):
    """Return what jobs wait for, once some do; or return once none does."""
    while bool(waiting := json.loads(until(driver, "waiting"))) != some:
        pass
    return waiting


@pytest.mark.exhaustive
@pytest.mark.timeout(240)
def test_jobs_wait_for_a_node_that_fits_and_outlive_it(cluster, driver, tmp_path):
    waiting = wait_of(driver, some=True)
    assert waiting["nodes"] == 0  # the head has no licence
    assert waiting["asked"] == {"CPU": 1, "licence": 1, "accelerator_type:A100": 0.001}
    cluster.add_worker("first", "--resources", A100)
    until(driver, "started")
    wait_of(driver, some=False)
    cluster.nodes["first"].kill()
    until(driver, "lost")
    (tmp_path / "continue").touch()
    cluster.add_worker("second", "--resources", A100)
    assert until(driver, "finished") == "True 2"
