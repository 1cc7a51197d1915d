"""Sweeps with a network of the user's own through a real Ray, killed and elsewhere."""

import os
import shutil
import signal

import pytest

from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from tests.own_parts.own_code import write_own_code
from tests.processes.polling import until
from tests.servers.ray_cluster import RayCluster

pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(900)]


@pytest.fixture
def user(tmp_path):
    folder = tmp_path / "user"
    write_own_code(folder, epochs=6, more=f"storage: {{runs: {tmp_path / 'runs'}}}\n")
    return folder


def test_a_killed_sweep_is_resumed_through_ray_without_the_users_directory(
    user, tmp_path, searchctl, start_searchctl
):
    url = f"sqlite:///{tmp_path}/sweeps.db"
    process = start_searchctl("launch", "sweep.yaml", "--db", url, cwd=user)

    def some_complete():
        assert process.poll() is None, (user / "output.txt").read_text()
        engine = open_database(url, create=True)
        rows = [row for row in queries.list_sweeps(engine) if row.name == "own"]
        return rows and any(job.state == "COMPLETE" for job in queries.jobs(engine, rows[0]))

    until(some_complete, 300)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    shutil.rmtree(user)
    done = searchctl("resume", "own", "--db", url, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Winner: trial" in done.stdout
    assert "is gone: the stored sweep is resumed" in done.stdout


def test_own_code_travels_with_a_driver_that_is_submitted_to_a_cluster_of_two_nodes(
    user, tmp_path, searchctl, postgres_server
):
    database = postgres_server.new_database()
    with RayCluster({"SEARCHCTL_DB_URL": database}) as cluster:
        cluster.start("one", "two")
        env = {"SEARCHCTL_DB_URL": database, **cluster.access}
        hidden = tmp_path / "hidden"

        def run(*arguments, code=0):
            done = searchctl(*arguments, cwd=user, env=env)
            assert done.returncode == code, done.stdout + done.stderr
            return done.stdout + done.stderr

        run("launch", "sweep.yaml", "--address", cluster.client_address, "--detach")
        user.rename(hidden)  # no node sees the user's directory
        user.mkdir()
        # a busy machine takes long to store the sweep
        until(lambda: "COMPLETE" in searchctl("status", "own", cwd=user, env=env).stdout, 300)
        workers = {each.worker.partition(":")[0] for each in _attempts(database)}
        assert workers
        printed = run("logs", "own", "--driver", "--address", cluster.jobs_address)
        assert "Winner: trial" in printed


def _attempts(database):
    engine = open_database(database)
    found = queries.attempts(engine, queries.find_sweep(engine, "own"))
    engine.dispose()
    return found


def test_own_code_is_imported_by_every_process_of_a_trial(user, tmp_path, searchctl):
    with (user / "sweep.yaml").open("a") as file:
        file.write("resources: {processes_per_trial: 2, cpus_per_trial: 2}\n")
    url = f"sqlite:///{tmp_path}/sweeps.db"
    done = searchctl("launch", "sweep.yaml", "--inline", "--db", url, cwd=user)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Winner: trial" in done.stdout
