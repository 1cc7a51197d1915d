"""What every database must do for us; SQLite here, as a file and in memory."""

import math

import numpy as np
import pytest
from sqlalchemy import text

from orchestrator.errors import SchemaMismatch, SearchctlError, SweepExists, SweepNotFound
from orchestrator.halving import Decision
from orchestrator.storage import queries
from orchestrator.storage.database import (
    VERSION_TABLE,
    open_database,
    schema_version,
    upgrade_database,
)
from orchestrator.storage.writer import NewSweep, SweepWriter, create_sweep
from searchspace import Params
from trainer.results import EpochRecord, Evaluation, ImageCounts, JobResult

LADDER = [{"rung": 0, "trials": 2, "fraction": "1/2", "images": 5}]


@pytest.fixture(params=["file", "memory"])
def engine(request, tmp_path):
    url = f"sqlite:///{tmp_path}/store.db" if request.param == "file" else "sqlite://"
    engine = open_database(url, create=True)
    yield engine
    engine.dispose()


def new_sweep(name="first", params=({"lr": 0.1}, {"lr": 0.01})):
    return NewSweep(
        name=name,
        source="",
        spec={"name": name},
        spec_hash="abc",
        direction="maximize",
        ladder=LADDER,
        versions={"torch": "2"},
        classes=["sky", "road"],
        data_fingerprint="f00",
        params=[Params(values) for values in params],
    )


@pytest.fixture
def sweep(engine):
    create_sweep(engine, new_sweep())
    return queries.find_sweep(engine, "first")


@pytest.fixture
def writer(engine, sweep):
    return SweepWriter(engine, sweep.id)


def evaluation():
    return Evaluation(0.5, 0.4, 0.6, 0.7, class_iou=(0.4, None), class_accuracy=(0.6, None))


def complete(score=0.4):
    return JobResult(
        "complete",
        score,
        kept_epoch=2,
        epochs=tuple(EpochRecord(e, 1.0 / e, 0.1, 5, 0.1, 0.9, 0.3) for e in (1, 2)),
        evaluations={"val": evaluation()},
        image_counts=ImageCounts(
            np.arange(12, dtype=np.uint32).reshape(2, 2, 3), np.ones(2), np.ones(2, dtype=np.int64)
        ),
        seconds=1.5,
        device="cpu",
    )


def decision(trial, rank, verdict):
    return Decision(trial, 0, verdict, 0.4, rank, 2, 1, 0.4, 0.1, "because")


def start(writer, trial=0, token="t1"):
    return writer.start_attempt(trial, 0, token=token, fraction="1/2", images=5)


def test_a_sweep_is_stored_with_its_trials(engine, sweep):
    assert (sweep.state, sweep.ladder, sweep.classes) == ("RUNNING", LADDER, ["sky", "road"])
    rows = queries.trials(engine, sweep)
    assert [(row.number, row.params, row.state) for row in rows] == [
        (0, {"lr": 0.1}, "WAITING"),
        (1, {"lr": 0.01}, "WAITING"),
    ]
    assert sweep.created_at.tzinfo is not None


def test_a_second_sweep_of_the_same_name_is_refused_and_leaves_nothing(engine, sweep):
    with pytest.raises(SweepExists, match="searchctl resume first"):
        create_sweep(engine, new_sweep())
    assert len(queries.list_sweeps(engine)) == 1


def test_a_sweep_with_equal_trials_is_refused_whole(engine):
    with pytest.raises(SearchctlError):
        create_sweep(engine, new_sweep("twins", ({"lr": 0.1}, {"lr": 0.1})))
    assert queries.list_sweeps(engine) == []


def test_an_unknown_sweep_is_answered_with_the_known_ones(engine, sweep):
    with pytest.raises(SweepNotFound, match="it holds: first"):
        queries.find_sweep(engine, "second")


def test_attempts_of_a_job_are_numbered_and_share_one_row(engine, sweep, writer):
    assert start(writer) == 1
    writer.lose_attempt(0, 0, token="t1", error="the worker died")
    assert start(writer, token="t2") == 2
    rows = queries.attempts(engine, sweep, 0)
    assert [(row.number, row.error) for row in rows] == [(1, "the worker died"), (2, None)]
    assert len(queries.jobs(engine, sweep)) == 1


def test_a_lost_attempt_leaves_its_job_and_trial_waiting(engine, sweep, writer):
    start(writer)
    assert queries.trials(engine, sweep)[0].state == "RUNNING"
    writer.lose_attempt(0, 0, token="t1", error="gone")
    assert queries.jobs(engine, sweep)[0].state == "WAITING"
    assert queries.trials(engine, sweep)[0].state == "WAITING"


def test_a_result_is_stored_with_epochs_classes_and_verdicts(engine, sweep, writer):
    start(writer)
    verdicts = [decision(0, 1, "promoted"), decision(1, 2, "pruned")]
    writer.save_result(0, 0, "t1", complete(), verdicts)
    (job,) = queries.jobs(engine, sweep, 0)
    assert (job.state, job.score, job.kept_epoch, job.device) == ("COMPLETE", 0.4, 2, "cpu")
    assert job.evaluations["val"]["miou"] == 0.4
    assert [row.epoch for row in queries.epochs(engine, sweep, 0)] == [1, 2]
    assert [row["iou"] for row in queries.class_scores(engine, sweep, 0)] == [0.4, None]
    assert queries.decisions(engine, sweep) == verdicts
    assert [row.state for row in queries.trials(engine, sweep)] == ["WAITING", "PRUNED"]


def test_a_diverged_result_keeps_its_epochs_without_numbers_that_are_none(engine, sweep, writer):
    start(writer)
    epochs = (EpochRecord(1, math.nan, 0.1, 5, 0.1),)
    writer.save_result(0, 0, "t1", JobResult("diverged", None, epochs=epochs), [])
    (job,) = queries.jobs(engine, sweep, 0)
    assert (job.state, job.score) == ("DIVERGED", None)
    assert queries.epochs(engine, sweep, 0)[0].train_loss is None


def test_an_epoch_of_a_second_attempt_replaces_the_first_ones(engine, sweep, writer):
    start(writer)
    writer.save_epoch(0, 0, EpochRecord(1, 2.0, 0.1, 5, 0.1))
    writer.save_epoch(0, 0, EpochRecord(1, 1.0, 0.1, 5, 0.1))
    assert [row.train_loss for row in queries.epochs(engine, sweep, 0)] == [1.0]
    assert queries.images_trained(engine, sweep) == 5


def test_a_second_verdict_on_a_trial_at_a_rung_is_refused_by_the_schema(engine, sweep, writer):
    start(writer)
    writer.save_result(0, 0, "t1", complete(), [decision(0, 1, "complete")])
    with pytest.raises(Exception, match="UNIQUE"):
        writer.save_result(0, 0, "t1", complete(), [decision(0, 1, "complete")])
    assert len(queries.decisions(engine, sweep)) == 1


def test_a_sweep_that_ends_has_a_time_and_a_reason(engine, sweep, writer):
    writer.set_state("FAIL", "no finite score")
    row = queries.find_sweep(engine, "first")
    assert (row.state, row.error) == ("FAIL", "no finite score")
    assert row.ended_at >= row.created_at


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


def test_a_database_of_a_newer_schema_is_refused_with_the_mend(tmp_path):
    url = f"sqlite:///{tmp_path}/newer.db"
    engine = open_database(url, create=True)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    engine.dispose()
    for create in (False, True):
        with pytest.raises(SchemaMismatch, match="newer searchctl"):
            open_database(url, create=create)
    with pytest.raises(SchemaMismatch, match="newer searchctl"):
        upgrade_database(url)


def test_another_program_s_database_is_told_from_an_old_one(tmp_path):
    url = f"sqlite:///{tmp_path}/other.db"
    open_database("sqlite://", create=True).dispose()
    from sqlalchemy import create_engine

    other = create_engine(url)
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE recipes (id INTEGER)"))
    other.dispose()
    with pytest.raises(SchemaMismatch, match="holds no searchctl tables"):
        open_database(url)


def test_the_migrations_make_exactly_the_tables_of_the_schema(engine):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from orchestrator.storage.schema import metadata

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    assert schema_version(engine) == "0001"
