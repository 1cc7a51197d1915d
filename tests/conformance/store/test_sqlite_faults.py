"""Real faults of a SQLite file, and their handling."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import event, text

from searchctl.orchestrator.storage import lease
from searchctl.orchestrator.storage.connect import connect
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.writes.new_sweeps import create_sweep
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from tests.sweeps.stored_sweeps import complete, new_sweep, start


def driven(url):
    """A store with a sweep, and the writer of its driver."""
    engine = open_database(url, create=True)
    sweep_id = create_sweep(engine, new_sweep())
    lease.acquire(engine, sweep_id, "mine", "here:1", 30)
    return engine, SweepWriter(engine, sweep_id, "mine", 30)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(path):
    engine, writer = driven(f"sqlite:///{path}")
    yield engine, writer
    engine.dispose()


def impatient(engine):
    """Let new connections wait a moment only for a lock."""
    engine.dispose()
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=50"))


def fill(writer):
    """Write until nothing more fits."""
    for number in range(1000):
        writer.note("padding", number=number, text="x" * 20_000)


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_file_that_another_process_has_locked_is_retried(path, store, outcome):
    engine, writer = store
    impatient(engine)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLD, path], **pipes) as other:
        assert other.stdout.readline() == b"locked\n"
        assert outcome(lambda: start(writer)) == "again"
        other.stdin.close()
        other.wait(30)
    assert start(writer) == 1


def test_a_snapshot_that_is_too_old_to_write_is_retried(store, outcome):
    engine, writer = store
    change = text("UPDATE searchctl_sweeps SET error = 'late'")

    def read_then_write():
        with engine.begin() as connection:
            connection.execute(text("SELECT * FROM searchctl_sweeps")).all()
            writer.note("in between")
            connection.execute(change)

    assert outcome(read_then_write) == "again"


def test_a_file_that_may_not_grow_is_full_and_keeps_what_it_has(store, outcome):
    engine, writer = store
    start(writer)
    engine.dispose()
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA max_page_count=60"))
    assert outcome(lambda: fill(writer)) == "full"
    sweep = queries.find_sweep(engine, "first")
    assert [row.token for row in queries.attempts(engine, sweep)] == ["t1"]


def test_a_full_disk_is_full_and_when_there_is_room_the_writer_continues(
    tmp_path, small_disk, outcome
):
    small_disk(tmp_path, "size=1m")
    engine, writer = driven(f"sqlite:///{tmp_path}/store.db")
    start(writer)
    assert outcome(lambda: fill(writer)) == "full"
    assert outcome(lambda: fill(writer)) == "full"
    stored = len(queries.events(engine, queries.find_sweep(engine, "first")))
    small_disk(tmp_path, "size=64m")
    assert writer.save_result("t1", complete(), [])
    assert len(queries.events(engine, queries.find_sweep(engine, "first"))) == stored > 0
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    engine.dispose()


def test_a_file_system_that_only_reads_is_full(tmp_path, small_disk, outcome):
    small_disk(tmp_path, "size=8m")
    engine, writer = driven(f"sqlite:///{tmp_path}/store.db")
    engine.dispose()
    small_disk(tmp_path, "ro")
    assert outcome(lambda: start(writer)) == "full"
    small_disk(tmp_path, "rw")
    assert start(writer) == 1
    engine.dispose()


def test_a_file_that_is_opened_to_read_is_full_when_written_to(path, store, outcome):
    reader = connect(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert queries.find_sweep(reader, "first").driver == "here:1"
    assert outcome(lambda: lease.acquire(reader, 1, "b", "there:1", 30)) == "full"
    reader.dispose()


ROOT = Path(__file__).parents[3]
LIMITED = """
import resource, sys
from searchctl.orchestrator.storage.faults import full, unreachable
from tests.conformance.store.test_sqlite_faults import driven, fill

engine, writer = driven(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    fill(writer)
except Exception as error:
    print(type(error.orig).__name__, error.orig.sqlite_errorname, unreachable(error), full(error))
engine.dispose()
"""


def test_a_quota_is_a_full_disk(path):
    command = [sys.executable, "-c", LIMITED, f"sqlite:///{path}"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "OperationalError SQLITE_IOERR_WRITE False True\n", done.stderr


FAULTS_OF_OURS = {
    "a table that is not there": "SELECT * FROM missing",
    "a second row of one key": "INSERT INTO searchctl_trials SELECT * FROM searchctl_trials",
    "nonsense": "SELECT FROM WHERE",
}


@pytest.mark.parametrize("statement", FAULTS_OF_OURS.values(), ids=FAULTS_OF_OURS)
def test_a_wrong_statement_is_neither_retried_nor_a_full_disk(store, outcome, statement):
    def execute():
        with store[0].begin() as connection:
            connection.execute(text(statement))

    assert outcome(execute) == "ours"


def test_a_file_that_is_no_database_is_not_waited_for(path, outcome):
    path.write_text("these are notes, not a database " * 100)
    assert outcome(lambda: connect(f"sqlite:///{path}").connect()) == "ours"
