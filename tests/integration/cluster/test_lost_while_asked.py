"""A node that is lost while the nodes are asked what they see."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.polling import until
from tests.servers.ray_cluster import RayCluster

ROOT = Path(__file__).parents[3]
DRIVER = """
import sys, time
from pathlib import Path
from upath import UPath
from searchctl.orchestrator.executors.ray import cluster, nodes
from searchctl.trainer.core.atomic_files import write_atomically
from searchctl.trainer.data.fingerprints import listing_fingerprint
from searchctl.trainer.data.settings import ScenesData

data = ScenesData(dataset="scenes", image_size=(24, 32), train=4, val=2, test=2)
runs = UPath(sys.argv[2])
locations = nodes.SharedLocations(data, listing_fingerprint(data), runs, "driver-1")
write_atomically(locations.mark(), b"")
report, folder = nodes._report, sys.argv[2]

def slow_report(locations, node_id):
    (Path(folder) / f"asked-{node_id}").touch()
    time.sleep(5)
    return report(locations, node_id)

nodes._report = slow_report
with cluster.connected(sys.argv[1]):
    workers = [node for node in cluster.alive_nodes() if node["Resources"].get("CPU")]
    print("notes", nodes._ask(workers, locations), flush=True)
"""


@pytest.mark.exhaustive
def test_the_others_are_asked_and_the_lost_one_is_no_error(tmp_path):
    with RayCluster() as cluster:
        cluster.start("one", "two")
        with subprocess.Popen(
            [sys.executable, "-c", DRIVER, cluster.address, str(tmp_path)],
            cwd=ROOT,
            env={**os.environ, **cluster.access},
            stdout=subprocess.PIPE,
            text=True,
        ) as driver:
            until(lambda: len(list(tmp_path.glob("asked-*"))) == 2, patience_s=60)
            cluster.nodes["two"].kill()
            output, _ = driver.communicate(timeout=120)
        assert "notes ()" in output
        assert driver.returncode == 0
        assert [mark.name for mark in tmp_path.glob("marker-*")] == ["marker-driver-1"]
