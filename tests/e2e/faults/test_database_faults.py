"""A database that goes away, or takes no more, in the middle of a sweep."""

import os
import re
import resource
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from tests.processes.polling import until
from tests.servers.postgres_server import PostgresServer

PATIENCE_S = 120
DECISIONS = """
    SELECT t.number, d.rung, d.verdict, d.score, d.rank FROM searchctl_decisions d
    JOIN searchctl_trials t ON t.id = d.trial_id ORDER BY d.rung, t.number
"""
JOBS = "SELECT count(*), count(DISTINCT (trial_id, rung)) FROM searchctl_jobs"
EPOCHS = "SELECT count(*) FROM searchctl_epochs"
STARTED = "SELECT 1 FROM searchctl_attempts WHERE worker IS NOT NULL LIMIT 1"
OPEN = "SELECT count(*) FROM searchctl_attempts WHERE outcome IS NULL"


@pytest.fixture(scope="module")
def own_server(postgres_server):
    """A server that no other test needs."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def long(tiny):
    """Jobs of some seconds, so that they run while the database is away."""
    every_epoch = "\nresources: {checkpoint_every: 0}\n"
    return tiny.replace("epochs: 2", "epochs: 40").replace("1e-3, 1e-4]", "]") + every_epoch


def rows(url, query):
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()


def wait_for(url, query, process, output):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, output.read_text()
        try:
            if found := rows(url, query):
                return found
        except Exception:
            pass  # no tables yet
        time.sleep(0.1)
    raise AssertionError(f"{query} found nothing")


def newest_checkpoint(folder):
    return max((path.stat().st_mtime for path in folder.rglob("checkpoint.pt")), default=0.0)


@pytest.mark.exhaustive
def test_postgresql_that_is_away_costs_nothing_and_jobs_continue(
    tmp_path, long, own_server, searchctl, start_searchctl
):
    (tmp_path / "sweep.yaml").write_text(long)
    assert searchctl("launch", "sweep.yaml", "--inline", cwd=tmp_path).returncode == 0
    undisturbed = rows(f"sqlite:///{tmp_path}/searchctl.db", DECISIONS)
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "sweep.yaml").write_text(long)
    url = own_server.new_database()
    process = start_searchctl("launch", "sweep.yaml", "--db", url, cwd=tmp_path / "again")
    output = tmp_path / "again" / "output.txt"
    wait_for(url, STARTED, process, output)
    own_server.kill()
    away_since = time.time()
    until(lambda: "the database does not answer" in output.read_text())
    until(lambda: newest_checkpoint(tmp_path / "again") > away_since + 1)  # jobs continue
    own_server.start()
    assert process.wait(300) == 0, output.read_text()
    assert rows(url, DECISIONS) == undisturbed
    ((jobs, distinct),) = rows(url, JOBS)
    assert jobs == distinct == 4 + 2
    assert rows(url, EPOCHS) == [(jobs * 40,)]
    assert rows(url, OPEN) == [(0,)]
    assert "the database answers again" in output.read_text()


@pytest.mark.exhaustive
def test_a_driver_killed_while_postgresql_is_away_loses_nothing(
    tmp_path, tiny, own_server, searchctl, start_searchctl
):
    (tmp_path / "sweep.yaml").write_text(tiny)
    assert searchctl("launch", "sweep.yaml", "--inline", cwd=tmp_path).returncode == 0
    undisturbed = rows(f"sqlite:///{tmp_path}/searchctl.db", DECISIONS)
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "sweep.yaml").write_text(tiny)
    url = own_server.new_database()
    process = start_searchctl("launch", "sweep.yaml", "--db", url, cwd=tmp_path / "again")
    wait_for(url, STARTED, process, tmp_path / "again" / "output.txt")
    own_server.kill()
    time.sleep(2)
    process.kill()
    process.wait(30)
    refused = searchctl("resume", "tiny", "--db", url, cwd=tmp_path / "again")
    assert refused.returncode == 1
    assert "cannot use the database" in refused.stderr
    own_server.start()
    resumed = searchctl("resume", "tiny", "--inline", "--db", url, cwd=tmp_path / "again")
    assert resumed.returncode == 0, resumed.stderr
    assert rows(url, DECISIONS) == undisturbed


def limited(command, cwd, size):
    """Run a command whose files cannot grow beyond a size: its own disk quota."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run(
        command,
        cwd=cwd,
        preexec_fn=limit,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_full_disk_stops_the_sweep_clearly_and_resume_continues(
    tmp_path, tiny, searchctl, searchctl_bin
):
    (tmp_path / "sweep.yaml").write_text(tiny)
    launch = [searchctl_bin("searchctl"), "launch", "sweep.yaml", "--inline"]
    stopped = limited(launch, tmp_path, 1_000_000)
    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert re.search("the database .* cannot store anything more", stopped.stderr)
    assert "free disk space, then run `searchctl resume`" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    with closing(sqlite3.connect(tmp_path / "searchctl.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    resumed = searchctl("resume", "tiny", "--inline", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert "Winner: trial" in resumed.stdout
