"""Ray ends what it should not, or does not end what it should: each in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from searchctl.orchestrator.executors.ray.local.sessions import remove_ended_sessions
from tests.processes.polling import until
from tests.processes.running_processes import command_line, marked
from tests.servers.ray_cluster import RayCluster

ROOT = Path(__file__).parents[3]

RAYLET_DIES = """
import os, signal, sys, time
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor
from searchctl.orchestrator.executors.job import JobResult
from tests.jobs.executors import BracketSource, by_value, never

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
from tests.jobs.executors import BracketSource, by_value

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


MARKED = """
import ray
from pathlib import Path
from searchctl.orchestrator.core.processes import worker_name
from searchctl.orchestrator.executors.ray.cluster import connected
from ray._private.worker import global_worker

with connected(None):
    mark = Path(global_worker.node.get_session_dir_path()) / "searchctl"
    print(mark.read_text() == worker_name())
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


DRIVER_DIES = """
import time
from searchctl.orchestrator.executors.ray.tune import RayTuneExecutor
from tests.jobs.executors import BracketSource, by_value, never

def slow(job, on_epoch, stop):
    time.sleep(600)

source = BracketSource()
source.started = lambda job, worker: print("started", flush=True)
by_value(never)
RayTuneExecutor(cpus=1, runner=by_value(slow)).run(source, never)
"""


@pytest.mark.exhaustive
@pytest.mark.timeout(300)
@pytest.mark.parametrize("killed", ["driver", "gcs_server"])
def test_all_that_ray_started_ends_after_a_kill_jobs_first_and_its_agents_within_90_seconds(killed):
    mark = f"OF_TEST={os.getpid()}-{killed}"
    env = {**os.environ, "OF_TEST": mark.partition("=")[2]}
    command = [sys.executable, "-c", DRIVER_DIES]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=pipe, text=True) as driver:
        assert driver.stdout.readline() == "started\n"
        found = {pid: command_line(pid) for pid in marked(mark)}
        gcs = next(pid for pid, line in found.items() if "gcs_server" in line.partition(" ")[0])
        os.kill(driver.pid if killed == "driver" else gcs, signal.SIGKILL)
        driver.communicate(timeout=90)
    until(lambda: all("Agent" in command_line(pid) for pid in marked(mark)), 30)
    until(lambda: not marked(mark), 90)


def test_directories_of_ended_sessions_are_removed_but_the_newest_and_those_of_others(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(60)
    host = socket.gethostname()
    for name, owner in (
        ("session_1", f"{host}:{ended.pid}"),
        ("session_2", f"{host}:{os.getpid()}"),
        ("session_3", None),
        ("session_4", f"{host}:{ended.pid}"),
        ("session_5", "elsewhere:1"),
        ("session_6", f"{host}:{ended.pid}"),
        ("session_7", ""),
    ):
        (tmp_path / name / "logs").mkdir(parents=True)
        if owner is not None:
            (tmp_path / name / "searchctl").write_text(owner)
    remove_ended_sessions(tmp_path)
    assert sorted(folder.name[-1] for folder in tmp_path.iterdir()) == ["2", "3", "5", "6", "7"]


def test_a_cluster_that_a_launch_starts_is_marked_as_its_own():
    code, output = run(MARKED)
    assert (code, output) == (0, "True\n")


@pytest.mark.exhaustive
def test_sigterm_under_ray_leaves_all_the_time_that_leaving_takes():
    assert run(SIGTERM_COMES) == (0, "heard\nleft in its own time\n")
