"""A cluster with an autoscaler, which has no node yet: it grows by what waits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.ray_cluster import RayCluster

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.exhaustive

AUTOSCALER = {
    "cluster_name": "grows",
    "provider": {"type": "fake_multinode", "use_node_id_as_ip": True},
    "max_workers": 0,  # the test is the one who adds nodes
    "available_node_types": {
        "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
        "worker": {"resources": {"CPU": 1}, "node_config": {}, "max_workers": 0},
    },
    "head_node_type": "ray.head.default",
    # what Ray would fill in itself, were it its own `ray up` that reads this
    **{part: {} for part in ("auth", "docker", "file_mounts")},
    **{f"rsync_{part}": [] for part in ("exclude", "filter")},
    **{f"{part}_commands": [] for part in ("initialization", "setup", "head_setup")},
    **{f"{part}_commands": [] for part in ("worker_setup", "head_start_ray", "worker_start_ray")},
    "cluster_synced_files": [],
    "file_mounts_sync_continuously": False,
    "idle_timeout_minutes": 5,
    "upscaling_speed": 1,
}

DRIVER = """
import sys, ray
from ray.autoscaler.v2.sdk import get_cluster_status
from searchctl.orchestrator.executors.ray import tune as ray_tune
from searchctl.orchestrator.executors.ray import watch
from tests.jobs.executors import BracketSource, by_value, never, quick

class Telling(BracketSource):
    def waiting(self, waiting):
        demands = get_cluster_status(ray.get_runtime_context().gcs_address).resource_demands
        print("demand", len(demands.placement_group_demand), flush=True)

by_value(never)
ray_tune.BEGINS_WITHIN_S = watch.NODES_EVERY_S = 1
source = Telling(trials=3)
executor = ray_tune.RayTuneExecutor(address=sys.argv[1], max_parallel=2, runner=by_value(quick))
executor.run(source, never)
print("finished", source.bracket.finished, flush=True)
"""


@pytest.fixture
def cluster(tmp_path):
    config = tmp_path / "cluster.json"
    config.write_text(json.dumps(AUTOSCALER))
    with RayCluster({"RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}) as cluster:
        cluster.start_head("--autoscaling-config", str(config), cpus=0)
        yield cluster


@pytest.mark.timeout(240)
def test_jobs_that_have_no_room_yet_make_it_grow_and_then_run(cluster):
    command = [sys.executable, "-c", DRIVER, cluster.address]
    env = {**os.environ, **cluster.access}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=pipe, text=True) as driver:
        lines = iter(driver.stdout)
        assert next(line for line in lines if line != "demand 0\n") == "demand 2\n"
        cluster.add_worker("new")
        assert list(lines)[-1] == "finished True\n"
