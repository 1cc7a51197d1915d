"""A database that is deleted, or replaced, under a running sweep: a clear end, and nothing lost."""

import shutil
import time
from pathlib import Path

import pytest

from searchctl.orchestrator.core.errors import DatabaseGone
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.orchestrator.storage.database import open_database
from searchctl.orchestrator.storage.reads import queries
from searchctl.trainer.core.results import JobResult


@pytest.fixture
def prepared(sweeps):
    return sweeps.prepare()


def remove(place):
    for file in place.parent.glob(f"{place.name}*"):
        file.unlink()


def replace(place):
    copy = place.with_name("earlier")
    shutil.copy(place, copy)
    copy.replace(place)


def gone_in_trial_3(harm, place, runner):
    """Run jobs, and do this to the database in the middle of them."""

    def run_job(job, on_epoch, stop):
        if (job.trial, job.rung) == (3, 0):
            harm(place)
        return runner(job, on_epoch, stop)

    return InlineExecutor(run_job)


@pytest.mark.parametrize("harm", [remove, pytest.param(replace, marks=pytest.mark.exhaustive)])
def test_the_sweep_ends_and_its_rows_are_in_a_copy_that_it_resumes_from(
    harm, prepared, sweeps, quick_runner
):
    place = Path(prepared.engine.url.database)
    with pytest.raises(DatabaseGone, match=f"searchctl resume {prepared.row.name}"):
        run(prepared, executor=gone_in_trial_3(harm, place, quick_runner))
    prepared.engine.dispose()
    Path(f"{place}.rescued").replace(place)
    engine = open_database(sweeps.url)
    jobs = queries.jobs(engine, queries.find_sweep(engine, prepared.row.name))
    assert [job.state for job in jobs] == ["COMPLETE"] * 3 + ["RUNNING"]
    again = prepare_resume(prepared.row.name, sweeps.url)
    assert run(again, executor=InlineExecutor(quick_runner)).state == "COMPLETE"


def test_no_empty_database_takes_its_place(prepared):
    place = Path(prepared.engine.url.database)
    prepared.engine.dispose()
    remove(place)
    with pytest.raises(DatabaseGone, match="was deleted or replaced"):
        queries.find_sweep(prepared.engine, prepared.row.name)
    assert not place.exists()


def test_jobs_that_are_silent_are_ended_too(prepared):
    place = Path(prepared.engine.url.database)

    def silent(job, on_epoch, stop):
        remove(place)
        started = time.monotonic()
        while not stop():
            time.sleep(0.05)
            assert time.monotonic() - started < 20
        return JobResult("stopped", None)

    with pytest.raises(DatabaseGone):
        run(prepared, executor=InlineExecutor(silent))
