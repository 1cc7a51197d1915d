"""Five parts of a user's own in one directory, on a cluster of two nodes, to a trained model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from tests.processes.polling import until
from tests.servers.ray_cluster import RayCluster

pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(900)]

EXAMPLE = Path(__file__).parents[3] / "examples" / "own-parts"


@pytest.fixture
def user(tmp_path):
    """The example's directory, with 32 photographs of 8 walls."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "user")
    for kind in ("photos", "cracks"):
        (folder / "walls" / kind).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(32):
        name, crack = f"{number // 4}_{number % 4}.png", np.zeros((64, 64), np.uint8)
        row = int(rng.integers(8, 56))
        crack[row : row + 6] = 255
        photo = np.clip(rng.normal(140, 20, (64, 64, 3)) - crack[..., None] / 3, 0, 255)
        Image.fromarray(photo.astype(np.uint8)).save(folder / "walls" / "photos" / name)
        Image.fromarray(crack).save(folder / "walls" / "cracks" / name)
    return folder


def test_they_are_launched_killed_resumed_exported_and_trained(
    user, searchctl_process, start_searchctl, postgres_server
):
    database = postgres_server.new_database()
    with RayCluster({"SEARCHCTL_DB_URL": database}) as cluster:
        cluster.start("one", "two")
        env = {"SEARCHCTL_DB_URL": database, **cluster.access}

        def run(*arguments):
            done = searchctl_process(*arguments, cwd=user, env=env)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout + done.stderr

        address = ("--address", cluster.address)
        driver = start_searchctl("launch", "cracks.yaml", *address, cwd=user, env=env)
        until(lambda: driver.poll() is not None or _complete(database) >= 3, 400)
        assert driver.poll() is None, (user / "output.txt").read_text()
        driver.kill()
        driver.wait(30)
        printed = run("resume", "cracks", *address)
        assert "my_scores:crack_f2" in printed
        assert len(_workers(database)) >= 2  # each node has room for one
        run("verify", "cracks")
    run("export", "cracks", "-o", "best.yaml")
    run("train", "best.yaml", "-o", "final")
    assert (user / "final" / "model.safetensors").is_file()
    assert 0 <= json.loads((user / "final" / "metrics.json").read_text())["score"] <= 1


def _complete(database):
    engine = open_database(database, create=True)
    rows = queries.list_sweeps(engine)
    found = [job for row in rows for job in queries.jobs(engine, row) if job.state == "COMPLETE"]
    engine.dispose()
    return len(found)


def _workers(database):
    engine = open_database(database)
    row = queries.find_sweep(engine, "cracks")
    workers = {attempt.worker for attempt in queries.attempts(engine, row) if attempt.worker}
    engine.dispose()
    return workers
