"""Any write may come twice, or too late: nothing is doubled, and what is stored stays."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from searchctl.orchestrator.storage import lease, schema
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.writes.new_sweeps import create_sweep
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from tests.sweeps.stored_sweeps import complete, decision, epoch, new_sweep, start

TABLES = (schema.trials, schema.jobs, schema.attempts, schema.epochs, schema.decisions)

WRITES = {
    "start_attempt": lambda writer: start(writer),
    "attempt_started": lambda writer: writer.attempt_started("t1", "node:1"),
    "set_waiting": lambda writer: writer.set_waiting(None),
    "save_epoch": lambda writer: writer.save_epoch("t1", epoch()),
    "lose_attempt": lambda writer: writer.lose_attempt("t1", "lost", "gone"),
    "halve_batch": lambda writer: writer.lose_attempt("t1", "out_of_memory", "none", SMALLER),
    "save_result": lambda writer: writer.save_result("t1", complete(), DECISIONS),
    "close_open_attempts": lambda writer: writer.close_open_attempts("the driver died", NOW),
    "set_state": lambda writer: writer.set_state("STOPPED"),
    "replace_spec": lambda writer: writer.replace_spec({}, "h", {}, "f", {}, []),
    "note": lambda writer: writer.note("resumed", host="here"),
}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SMALLER = {"batch_size": 4, "accumulate": 2}
DECISIONS = [decision(0, 1, "complete"), decision(1, 2, "pruned")]


def contents(engine):
    """Every row of every table, but for the sweep's own, which holds the lease."""
    tables = [*TABLES, schema.class_scores, schema.image_scores, schema.events]
    with engine.connect() as connection:
        return {table.name: connection.execute(select(table)).all() for table in tables}


@pytest.mark.parametrize("name", WRITES)
def test_a_repeated_write_changes_nothing(engine, writer, name):
    start(writer)
    WRITES[name](writer)
    before = contents(engine)
    WRITES[name](writer)
    assert contents(engine) == before


def test_a_repeated_start_has_the_same_number(engine, writer):
    start(writer)
    writer.lose_attempt("t1", "lost", "gone")
    assert start(writer, token="t2") == 2
    assert start(writer, token="t2") == 2


def test_a_repeated_start_of_a_lost_attempt_does_not_wake_its_job(engine, sweep, writer):
    start(writer)
    writer.lose_attempt("t1", "lost", "gone")
    assert start(writer) == 1
    assert queries.jobs(engine, sweep)[0].state == "WAITING"


@pytest.mark.parametrize(
    "name", ["attempt_started", "save_epoch", "lose_attempt", "halve_batch", "save_result"]
)
@pytest.mark.parametrize("outcome", ["lost", "stopped"])
def test_an_attempt_that_was_replaced_changes_nothing_any_more(engine, writer, name, outcome):
    start(writer)
    writer.lose_attempt("t1", outcome, "gone")
    start(writer, token="t2")
    before = contents(engine)
    WRITES[name](writer)
    assert contents(engine) == before


def test_saving_a_result_returns_whether_it_counted(writer):
    start(writer)
    assert writer.save_result("t1", complete(), []) is True
    assert writer.save_result("t1", complete(0.9), []) is False


def test_a_result_of_an_attempt_that_never_began_changes_nothing(engine, writer):
    before = contents(engine)
    assert writer.save_result("unknown", complete(), DECISIONS) is False
    assert contents(engine) == before


def test_a_lost_attempt_does_not_undo_a_result(engine, sweep, writer):
    start(writer)
    writer.save_result("t1", complete(), DECISIONS)
    writer.lose_attempt("t1", "lost", "a late report")
    assert queries.jobs(engine, sweep)[0].state == "COMPLETE"
    assert queries.attempts(engine, sweep)[0].error is None


def test_attempts_that_a_dead_driver_left_open_are_closed_as_stopped(engine, sweep, writer):
    for trial in (0, 1):
        start(writer, trial, token=f"t{trial}")
    writer.save_result("t1", complete(), [])
    assert writer.close_open_attempts("the driver died", NOW) == 1
    first, second = queries.attempts(engine, sweep)
    assert (first.outcome, first.error, first.ended_at) == ("stopped", "the driver died", NOW)
    assert second.outcome == "complete"
    assert [row.state for row in queries.jobs(engine, sweep)] == ["WAITING", "COMPLETE"]
    assert [row.state for row in queries.trials(engine, sweep)] == ["WAITING", "RUNNING"]


def test_open_attempts_of_another_sweep_are_left_alone(engine, writer):
    start(writer)
    other = create_sweep(engine, new_sweep("second"))
    lease.acquire(engine, other, "theirs", "there:1", 30)
    assert SweepWriter(engine, other, "theirs", 30).close_open_attempts("gone", NOW) == 0


def test_a_failed_write_leaves_nothing_of_itself(engine, writer):
    start(writer)
    before = contents(engine)
    with pytest.raises(IntegrityError):
        writer.save_result("t1", complete(), [DECISIONS[0], DECISIONS[0]])
    assert contents(engine) == before


DECISION = {"verdict": "pruned", "cohort": 2, "kept": 1, "reason": "", "decided_at": NOW}
TWINS = {
    "a job": (schema.jobs, {"trial_id": 1, "rung": 0, "fraction": "1", "images": 1, "state": ""}),
    "an attempt's number": (
        schema.attempts,
        {"job_id": 1, "number": 1, "token": "other", "started_at": NOW, "outcome": "lost"},
    ),
    "an attempt's token": (
        schema.attempts,
        {"job_id": 1, "number": 2, "token": "t1", "started_at": NOW, "outcome": "lost"},
    ),
    "a second open attempt": (
        schema.attempts,
        {"job_id": 2, "number": 2, "token": "other", "started_at": NOW},
    ),
    "an epoch": (schema.epochs, {"job_id": 1, "epoch": 1, "lr": 1, "images": 1, "seconds": 1}),
    "a decision": (schema.decisions, {"trial_id": 2, "rung": 0, **DECISION}),
    "a trial's number": (
        schema.trials,
        {"sweep_id": 1, "number": 0, "params": {}, "params_hash": "x", "state": ""},
    ),
}


@pytest.mark.parametrize("twin", TWINS)
def test_the_schema_itself_refuses_a_twin(engine, writer, twin):
    start(writer, trial=1, token="t0")
    writer.save_epoch("t0", epoch())
    writer.save_result("t0", complete(), [decision(1, 1, "pruned")])
    start(writer)
    table, row = TWINS[twin]
    with pytest.raises(IntegrityError, match=r"(?i)unique"), engine.begin() as connection:
        connection.execute(insert(table).values(row))
