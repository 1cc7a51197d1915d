"""Ray ends what it should not, or does not end what it should: each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ray_cluster import RayCluster

ROOT = Path(__file__).parents[2]

RAYLET_DIES = """
import os, signal, sys, time
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor
from searchctl.orchestrator.executors.job import JobResult
from tests.executors import BracketSource, by_value, never

def kill_the_raylet(job, on_epoch, stop):
    time.sleep(1)  # until every slot has a job
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)

by_value(never)
try:
    RayTuneExecutor(cpus=1, runner=by_value(kill_the_raylet)).run(BracketSource(), never)
except SearchctlError as error:
    print(error)
"""

HEAD_DIES = """
import sys, time
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor
from tests.executors import BracketSource, by_value

def slow(job, on_epoch, stop):
    time.sleep(600)

source = BracketSource()
source.started = lambda job, worker: print("started", flush=True)
try:
    RayTuneExecutor(runner=by_value(slow), address=sys.argv[1]).run(source, lambda: False)
except SearchctlError as error:
    print(error)
"""

SIGTERM_COMES = """
import os, signal, time
from searchctl.orchestrator.executors.ray.cluster import connected

signal.signal(signal.SIGTERM, lambda *_: print("heard", flush=True))
with connected(None):
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(9):  # a signal ends a sleep early
        time.sleep(0.5)
    print("left in its own time", flush=True)
"""


def run(script):
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.exhaustive
@pytest.mark.timeout(150)
def test_a_raylet_that_dies_under_its_jobs_ends_the_run_with_the_fix():
    _, output = run(RAYLET_DIES)
    assert "Ray has no node left" in output
    assert "`searchctl resume` starts another" in output


@pytest.mark.exhaustive
@pytest.mark.timeout(240)
def test_a_driver_leaves_a_cluster_whose_head_died_with_the_fix_before_ray_ends_it():
    with RayCluster() as cluster:
        head = cluster.start_head(cpus=1)
        command = [sys.executable, "-c", HEAD_DIES, cluster.address]
        env = {**os.environ, **cluster.access}
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=pipe, stderr=subprocess.STDOUT, text=True
        ) as driver:
            assert driver.stdout.readline() == "started\n"
            head.kill()
            output, _ = driver.communicate(timeout=120)
    assert "does not answer any more" in output
    assert "resume with `searchctl resume`" in output


@pytest.mark.exhaustive
def test_sigterm_under_ray_leaves_all_the_time_that_leaving_takes():
    assert run(SIGTERM_COMES) == (0, "heard\nleft in its own time\n")
