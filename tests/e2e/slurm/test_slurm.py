"""The scripts of examples/slurm on a real Slurm of two nodes, with one CPU each."""

import json
from pathlib import Path

import pytest

from tests.e2e.slurm.cluster import SlurmCluster, missing
from tests.processes.polling import until
from tests.servers.postgres_server import PostgresServer

SCRIPTS = Path(__file__).parents[3] / "examples" / "slurm"
ONE_NODE = str(SCRIPTS / "one-node.sh")
SEVERAL_NODES = str(SCRIPTS / "several-nodes.sh")
ANOTHER_DRIVES_IT = 5

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.timeout(900),
    pytest.mark.skipif(missing() is not None, reason=f"no Slurm: {missing()}"),
]


@pytest.fixture
def slurm():
    with SlurmCluster() as running:
        yield running


@pytest.fixture
def write(slurm, tiny):
    """Write a sweep file; more epochs make a sweep that a signal meets while it runs."""

    def sweep_file(epochs=2):
        (slurm.folder / "sweep.yaml").write_text(tiny.replace("epochs: 2", f"epochs: {epochs}"))
        return "sweep.yaml", "tiny"

    return sweep_file


@pytest.fixture
def database():
    """A database that all nodes reach: by its socket, as they have networks of their own."""
    with PostgresServer({"unix_socket_directories": "."}) as server:  # beside its data
        name = server.new_database().rpartition("/")[2]
        place = f"host={server.folder}/data&port={server.port}"
        yield {"SEARCHCTL_DB_URL": f"postgresql+psycopg://searchctl@/{name}?{place}"}


def status(slurm, env):
    return json.loads(slurm.run("searchctl", "status", "tiny", "--json", **env))


def jobs_done(slurm, env):
    try:
        return sum(rung["done"] for rung in status(slurm, env)["rungs"])
    except AssertionError:  # not stored yet
        return 0


def output(slurm, job):
    return (slurm.folder / f"{job}.txt").read_text()


def test_a_sweep_ends_with_its_winner_on_one_node(slurm, write):
    job = slurm.submit(ONE_NODE, *write())
    assert slurm.wait(job) == 0, output(slurm, job)
    assert "Winner: trial" in output(slurm, job)


def test_the_time_limit_requeues_a_job_that_resumes_the_sweep(slurm, write):
    job = slurm.submit(ONE_NODE, *write(epochs=100))
    until(lambda: jobs_done(slurm, {}), patience_s=240)
    slurm.run("scancel", "--batch", "--signal=USR1", job)  # as Slurm does before the time limit
    until(lambda: slurm.restarts(job) == 1, patience_s=240)
    assert slurm.wait(job) == 0, output(slurm, job)
    assert "nothing is lost: resume it" in output(slurm, job)
    assert "Winner: trial" in output(slurm, job)


def test_a_cancelled_job_stops_the_sweep_and_is_not_requeued(slurm, write):
    job = slurm.submit(ONE_NODE, *write(epochs=100))
    until(lambda: jobs_done(slurm, {}), patience_s=240)
    slurm.run("scancel", job)
    slurm.wait(job)
    until(lambda: status(slurm, {})["state"] == "STOPPED")
    assert (slurm.state(job), slurm.restarts(job)) == ("CANCELLED", 0)


def test_two_tasks_of_an_array_do_not_drive_one_sweep(slurm, write, database):
    first = slurm.submit(ONE_NODE, *write(epochs=100), **database)
    until(lambda: jobs_done(slurm, database), patience_s=240)
    second = slurm.submit(ONE_NODE, "sweep.yaml", "tiny", **database)
    assert slurm.wait(second) == ANOTHER_DRIVES_IT, output(slurm, second)
    assert slurm.wait(first) == 0, output(slurm, first)


def test_tasks_of_an_array_that_run_one_after_the_other_share_a_sweep(slurm, write):
    job = slurm.submit("--array=1-2%1", ONE_NODE, *write())
    until(lambda: not slurm.run("squeue", "--noheader", "--job", job).strip(), patience_s=240)
    assert sum("Winner: trial" in each.read_text() for each in slurm.folder.glob("[0-9]*.txt")) == 2


def test_a_sweep_on_two_nodes_is_requeued_and_uses_both_again(slurm, write, database):
    job = slurm.submit(SEVERAL_NODES, *write(epochs=40), **database)
    until(lambda: jobs_done(slurm, database), patience_s=240)
    slurm.run("scancel", "--batch", "--signal=USR1", job)
    until(lambda: slurm.restarts(job) == 1, patience_s=240)
    assert slurm.wait(job) == 0, output(slurm, job)
    assert "Winner: trial" in output(slurm, job)
    began = slurm.run("searchctl", "logs", "tiny", "--json", **database)
    assert all(f'"worker": "{node}' in began for node in ("node1", "node2")), began
