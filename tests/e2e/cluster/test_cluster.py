"""Sweeps on a real Ray cluster of three nodes, their drivers submitted to it as jobs."""

import json
import os
import re
import signal
from pathlib import Path

import pytest

from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from tests.processes.polling import until
from tests.servers.ray_cluster import RayCluster

SWEEP = """\
name: {name}
seed: 3
data: {{dataset: scenes, image_size: [24, 32], native_size: [24, 32], train: 16, val: 4, test: 2}}
training: {{width: 4, epochs: {epochs}, batch_size: 4}}
space: {{lr: [1e-1, 1e-2]}}
report: {{images: 0}}
storage: {{runs: {runs}}}
"""
UNSEEN = "{dataset: image_folder, root: /proc/self/cwd/data, image_size: [32, 32]}"
PASSWORD = "not-to-be-seen"

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def database(postgres_server):
    """A database whose URL holds a password; the server takes any."""
    return postgres_server.new_database().replace("searchctl@", f"searchctl:{PASSWORD}@")


@pytest.fixture(scope="module")
def cluster(database):
    """A head without room for jobs, and two workers, which know the database."""
    with RayCluster({"SEARCHCTL_DB_URL": database}) as running:
        running.start("one", "two")
        yield running


@pytest.fixture
def command(searchctl, cluster, database, tmp_path):
    """Run the command elsewhere: in a directory and a process that no node of the cluster knows."""

    def run(*arguments, code=0, **env):
        known = {"SEARCHCTL_DB_URL": database, **cluster.access, **env}
        done = searchctl(*arguments, cwd=tmp_path, env=known)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def write(cluster, tmp_path):
    """Write a sweep file."""

    def sweep_file(name, epochs=2, runs=None, more=""):
        file = tmp_path / f"{name}.yaml"
        runs = runs or cluster.folder / "runs"
        file.write_text(SWEEP.format(name=name, epochs=epochs, runs=runs) + more)
        return str(file)

    return sweep_file


@pytest.fixture
def found(database):
    """Read a sweep's row."""
    engine = open_database(database, create=True)
    yield lambda name: queries.find_sweep(engine, name)
    engine.dispose()


@pytest.mark.exhaustive
def test_a_detached_sweep_outlives_its_terminal_its_driver_and_a_stop(
    cluster, command, write, found
):
    file, by = write("long", epochs=1000), ("--address", cluster.client_address)
    output = command("launch", file, *by, "--detach")
    assert "'long', is driven by job long-" in output
    assert "searchctl logs long -f" in output
    assert "being driven by" in command("resume", "long", "--detach", code=5)
    assert "python -m searchctl launch" in command("logs", "long", "--driver")

    os.kill(int(found("long").driver.rpartition(":")[2]), signal.SIGKILL)
    until(lambda: json.loads(command("status", "long", "--json"))["state"] == "INTERRUPTED")
    write("long", epochs=1000, more="resources: {max_parallel: 1}\n")
    assert "is driven by job long-" in command("resume", "long", "--detach")
    assert "resources.max_parallel" in command("logs", "long")  # the edited file travelled
    assert "'long' is STOPPED" in command("stop", "long", "--wait")


def test_a_sweep_is_followed_to_its_end_and_no_password_is_shown(cluster, command, write):
    output = command("launch", write("short"), "--address", cluster.jobs_address)
    assert "rung 0 closed" in output
    assert "short COMPLETE" in output
    assert "Winner: trial" in output
    printed = command("logs", "short", "--driver", "--address", cluster.jobs_address)
    assert "searchctl export short" in printed
    shown = (path.read_bytes() for path in cluster.folder.rglob("*") if path.is_file())
    assert not any(
        PASSWORD.encode() in text for text in (*shown, output.encode(), printed.encode())
    )


@pytest.mark.exhaustive
def test_every_node_is_named_with_all_that_it_does_not_see(
    cluster, command, write, drawn_classes_root, tmp_path
):
    (tmp_path / "data").symlink_to(drawn_classes_root)
    file = Path(write("unseen", runs="/proc/self/cwd/runs"))  # a disk of each process's own
    text = re.sub("data: .*", f"data: {UNSEEN}\ntask: classification", file.read_text())
    text = text.replace("width: 4", "model: timm:test_resnet").replace("report: {images: 0}\n", "")
    file.write_text(text)
    output = command("launch", str(file), "--address", cluster.address, code=1)
    for node in ("one", "two"):
        lines = "".join(line for line in output.splitlines() if f"node {node}" in line)
        assert "let it see the data set at the same place" in lines
        assert "/runs/unseen is not what the driver sees there: set storage.runs" in lines
    assert "no sweep 'unseen'" in command("status", "unseen", code=1)


@pytest.mark.exhaustive
def test_a_driver_with_another_database_than_its_submitter_s_stores_nothing(
    cluster, command, write, postgres_server
):
    ours = {"SEARCHCTL_DB_URL": postgres_server.new_database()}
    file, by = write("lost"), ("--address", cluster.jobs_address)
    output = command("launch", file, *by, code=1, **ours)
    assert "was submitted from a machine with another database" in output
    assert "the driver ended before it started its sweep" in output
    assert "no sweep 'lost'" in command("status", "lost", code=1)
