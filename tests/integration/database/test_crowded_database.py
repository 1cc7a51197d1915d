"""One SQLite file that many drivers write to while others read, and one that turns read-only."""

import multiprocessing
import time

import pytest
from sqlalchemy import event

from searchctl.orchestrator.core.errors import DatabaseFull
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries

DRIVERS = 8
READERS = 2
_forking = multiprocessing.get_context("fork")  # without the seconds of an import for each process


def drive(prepared, runner):
    assert run(prepared, executor=InlineExecutor(runner)).state == "COMPLETE"


def read(url, over, views):
    engine = open_database(url)
    while not over.is_set():
        for row in queries.list_sweeps(engine):
            queries.jobs(engine, row)
        with views.get_lock():
            views.value += 1
        time.sleep(0.02)


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
def test_eight_sweeps_with_readers_all_end_with_all_their_jobs(sweeps, quick_runner):
    prepared = [sweeps.prepare(name=f"sweep-{number}") for number in range(DRIVERS)]
    for each in prepared:
        each.engine.dispose()
    over, views = _forking.Event(), _forking.Value("i", 0)
    reading = (sweeps.url, over, views)
    readers = [_forking.Process(target=read, args=reading) for _ in range(READERS)]
    drivers = [_forking.Process(target=drive, args=(each, quick_runner)) for each in prepared]
    for process in readers + drivers:
        process.start()
    for process in drivers:
        process.join(200)
    over.set()
    for process in readers:
        process.join(60)
    assert [process.exitcode for process in readers + drivers] == [0] * (READERS + DRIVERS)
    assert views.value > READERS
    engine = open_database(sweeps.url)
    for row in queries.list_sweeps(engine):
        assert [job.state for job in queries.jobs(engine, row)] == ["COMPLETE"] * 14
        assert rank_trials(engine, row, 1)[0].trial == 5


@pytest.mark.parametrize("trial", [pytest.param(0, marks=pytest.mark.exhaustive), 5])
def test_a_database_that_turns_read_only_ends_the_sweep_and_a_resume_continues(
    trial, sweeps, quick_runner
):
    prepared = sweeps.prepare()

    def run_job(job, on_epoch, stop):
        if (job.trial, job.rung) == (trial, 0):
            prepared.engine.dispose()
            event.listen(prepared.engine, "connect", turn_read_only)
        return quick_runner(job, on_epoch, stop)

    with pytest.raises(DatabaseFull, match=r"readonly database.*make it writable.*resume"):
        run(prepared, executor=InlineExecutor(run_job))
    _, row = sweeps.resume()
    assert row.state == "COMPLETE"
    assert len(queries.attempts(open_database(sweeps.url), row)) == 15  # one was interrupted


def turn_read_only(connection, _record):
    connection.execute("PRAGMA query_only=ON")
