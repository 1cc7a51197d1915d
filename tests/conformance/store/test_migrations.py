"""A database of an older searchctl: its error message, and its sweeps after an upgrade."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from searchctl.orchestrator.core.errors import SchemaMismatch, SearchctlError
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.storage import database, lease
from searchctl.orchestrator.storage.connect import connect
from searchctl.orchestrator.storage.database import (
    VERSION_TABLE,
    open_database,
    schema_version,
    upgrade,
    upgrade_database,
)
from searchctl.orchestrator.storage.reads import image_scores, queries
from searchctl.orchestrator.storage.schema import metadata
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from tests.sweeps.old_databases import FILLED, JOBS, OUTCOMES, STAND_IN_THE_WAY
from tests.sweeps.stored_sweeps import complete, counts, decision

ROOT = Path(__file__).parents[3]
REVISIONS = sorted(database._known())
HEAD = REVISIONS[-1]


def to_revision(engine, revision):
    """Bring an empty database to a revision, as the searchctl of that time did."""
    config = database._config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@pytest.fixture(params=["file", "postgresql"])
def url(request, tmp_path):
    """A place for a database that can be opened twice."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture(params=REVISIONS[:-1])
def revision(request):
    """Every revision but the newest."""
    return request.param


@pytest.fixture
def old(revision, url):
    """A database of an older revision, with a sweep; connected to, and not upgraded."""
    engine = connect(url)
    to_revision(engine, revision)
    with engine.begin() as connection:
        FILLED[revision](connection)
    yield engine
    engine.dispose()


def differences(engine):
    """What the tables are otherwise than the schema says."""
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "include_name": _is_ours}
        context = MigrationContext.configure(connection, opts=options)
        return compare_metadata(context, metadata)


def _is_ours(name, kind, _parents):
    return kind != "table" or name.startswith("searchctl_")


def shape(engine):
    """The columns and indexes of our tables."""
    found = inspect(engine)
    tables = [name for name in metadata.tables if found.has_table(name)]
    columns = {name: str(found.get_columns(name)) for name in tables}
    indexes = {
        (index["name"], *index["column_names"], index["unique"])
        for name in tables
        for index in found.get_indexes(name)
    }
    return columns, indexes


def test_the_migrations_make_exactly_the_tables_of_the_schema(engine):
    assert differences(engine) == []
    assert schema_version(engine) == HEAD


def test_an_upgraded_database_has_exactly_the_tables_of_the_schema(old, url):
    assert upgrade_database(url) == HEAD
    assert differences(old) == []


def test_an_upgraded_sweep_is_read_completely(old, url):
    upgrade(old)
    sweep = queries.find_sweep(old, "old")
    assert (sweep.state, sweep.desired_state, sweep.driver) == ("RUNNING", "RUNNING", None)
    assert (sweep.spec, sweep.versions) == ({"name": "old"}, {"torch": "2"})
    assert [row.params["lr"] for row in queries.trials(old, sweep)] == [0, 1, 2, 3, 4]
    assert tuple(row.state for row in queries.jobs(old, sweep)) == JOBS
    assert [row.train_loss for row in queries.epochs(old, sweep, 0)] == [0.9]
    assert [row.iou for row in queries.class_scores(old, sweep, 0)] == [0.4]
    assert [(row.trial, row.verdict) for row in queries.decisions(old, sweep)] == [(0, "promoted")]
    assert [row.kind for row in queries.events(old, sweep)] == ["running"]
    np.testing.assert_array_equal(
        image_scores.image_counts(old, sweep, JobKey(0, 0)).counts, counts().counts
    )


def test_an_old_sweep_lacks_only_what_older_versions_did_not_store(old):
    upgrade(old)
    sweep = queries.find_sweep(old, "old")
    assert sweep.initial_files == {}
    assert image_scores.val_images(old, sweep) == []
    assert {job.initial_weights for job in queries.jobs(old, sweep)} == {""}


def test_values_that_an_older_version_did_not_measure_are_unknown(old):
    upgrade(old)
    sweep = queries.find_sweep(old, "old")
    (epoch,) = queries.epochs(old, sweep, 0)
    assert (epoch.val_accuracy, epoch.val_class_iou, epoch.scores) == (None, None, None)
    jobs = queries.jobs(old, sweep)
    assert {job.features for job in jobs} == {job.latency_ms for job in jobs} == {None}
    assert {job.batch for job in jobs} == {None}


def test_every_old_attempt_has_the_outcome_that_it_had(old, revision):
    upgrade(old)
    rows = queries.attempts(old, queries.find_sweep(old, "old"))
    assert [row.outcome for row in rows] == OUTCOMES[revision]
    assert {row.worker for row in rows} == {row.first_epoch for row in rows} == {None}


def test_a_driver_continues_with_an_upgraded_sweep(old):
    upgrade(old)
    sweep = queries.find_sweep(old, "old")
    assert lease.acquire(old, sweep.id, "mine", "here:1", 30) is None
    writer = SweepWriter(old, sweep.id, "mine", 30)
    writer.close_open_attempts("its driver ended", sweep.created_at)
    attempt = {"fraction": "1/2", "images": 5, "gpus": 0.0}
    for trial, number in ((3, 2), (4, 3)):
        assert writer.start_attempt(JobKey(trial, 0), token=f"new{trial}", **attempt) == number
        assert writer.save_result(f"new{trial}", complete(), [decision(trial, 2, "pruned")])
    assert [row.state for row in queries.jobs(old, sweep)][3:] == ["COMPLETE", "COMPLETE"]
    assert [row.trial for row in queries.decisions(old, sweep)] == [0, 3, 4]


def test_an_upgrade_that_fails_leaves_the_old_tables_and_can_be_repeated(old, url, revision):
    put, remove, refusal = STAND_IN_THE_WAY[revision]
    with old.begin() as connection:
        connection.execute(text(put))
    before = shape(old)
    with pytest.raises(SearchctlError, match=refusal):
        upgrade_database(url)
    assert schema_version(old) == revision
    assert shape(old) == before
    with old.begin() as connection:
        connection.execute(text(remove))
    assert upgrade_database(url) == HEAD


def test_every_revision_but_the_newest_is_upgraded_from_with_data():
    assert list(FILLED) == REVISIONS[:-1]


@pytest.mark.parametrize("create", [False, True])
def test_an_older_database_names_the_command_that_upgrades_it(old, url, create):
    shown = url.replace("+", r"\+")
    with pytest.raises(
        SchemaMismatch, match=f"back it up and run `searchctl db upgrade --db {shown}`"
    ):
        open_database(url, create=create)
    upgrade_database(url)
    open_database(url, create=create).dispose()


def test_an_upgrade_of_a_current_database_changes_nothing(url):
    open_database(url, create=True).dispose()
    assert upgrade_database(url) == HEAD


def test_a_newer_database_is_refused_with_the_fix(url):
    engine = open_database(url, create=True)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    engine.dispose()
    for open_it in (
        lambda: open_database(url),
        lambda: open_database(url, create=True),
        lambda: upgrade_database(url),
    ):
        with pytest.raises(SchemaMismatch, match="has schema 9999, written by a newer searchctl"):
            open_it()


def test_another_programs_database_differs_from_an_old_one(url):
    other = create_engine(url)
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE recipes (id INTEGER)"))
    for open_it in (open_database, upgrade_database):
        with pytest.raises(SchemaMismatch, match="holds no searchctl tables"):
            open_it(url)
    assert inspect(other).get_table_names() == ["recipes"]
    other.dispose()


def test_an_empty_database_is_not_upgraded(url):
    engine = connect(url)
    engine.connect().close()
    with pytest.raises(SchemaMismatch, match="holds no searchctl tables"):
        upgrade_database(url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


LAUNCHER = """
import sys
from searchctl.orchestrator.storage.database import open_database, schema_version
from searchctl.orchestrator.search.study import StudyMirror
from searchctl.searchspace import Choice, Space
print("ready", flush=True)
sys.stdin.readline()
engine = open_database(sys.argv[1], create=True)
StudyMirror(sys.argv[1], sys.argv[2], "maximize", Space({"lr": Choice([1])}))
print(schema_version(engine))
engine.dispose()
"""


def test_launchers_that_come_first_at_once_make_one_schema_and_a_study_each(url):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    launchers = [
        subprocess.Popen([sys.executable, "-c", LAUNCHER, url, name], cwd=ROOT, text=True, **pipes)
        for name in "abc"
    ]
    assert [each.stdout.readline() for each in launchers] == ["ready\n"] * 3
    for each in launchers:
        each.stdin.write("go\n")
        each.stdin.flush()
    assert [each.communicate(timeout=60) for each in launchers] == [(f"{HEAD}\n", "")] * 3
    engine = open_database(url)
    assert differences(engine) == []
    with engine.connect() as connection:
        names = connection.execute(text("SELECT study_name FROM studies")).scalars()
        assert sorted(names) == list("abc")
    engine.dispose()


def test_a_missing_database_is_named(tmp_path):
    with pytest.raises(SearchctlError, match="no database at"):
        open_database(f"sqlite:///{tmp_path}/none.db")


def test_a_database_in_a_missing_directory_is_named(tmp_path):
    with pytest.raises(SearchctlError, match="does not exist"):
        open_database(f"sqlite:///{tmp_path}/none/none.db", create=True)


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "notes.db").write_text("these are notes, not a database " * 100)
    with pytest.raises(SearchctlError, match="cannot use the database"):
        open_database(f"sqlite:///{tmp_path}/notes.db", create=True)


def test_a_missing_server_database_is_named_without_its_password(postgres_server):
    url = postgres_server.url("missing").replace("searchctl@", "searchctl:secret@")
    with pytest.raises(SearchctlError, match=r"searchctl:\*\*\*@.*\"missing\" does not exist"):
        open_database(url)


def test_a_table_is_made_in_the_transaction_or_not_at_all(url, outcome):
    """Python's sqlite3 would otherwise commit a CREATE TABLE by itself."""
    engine = connect(url)

    def make_half():
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE half (id INTEGER)"))
            connection.execute(text("SELECT * FROM the_other_half"))

    assert outcome(make_half) == "ours"
    assert inspect(engine).get_table_names() == []
    engine.dispose()
