"""Two drivers of one sweep: the lease lets one in, and shuts out one that was taken for dead."""

import os
import socket
import subprocess
import sys
import time

import pytest

from searchctl.orchestrator.core.errors import LeaseLost, SweepBusy
from searchctl.orchestrator.driver.lease import Lease
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.run.resume import prepare_resume
from searchctl.orchestrator.storage import lease as stored
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.writes.new_sweeps import request_state


@pytest.fixture
def prepared(sweeps):
    return sweeps.prepare()


def held_by(prepared, owner, ttl_s=30.0, token="other"):
    assert stored.acquire(prepared.engine, prepared.row.id, token, owner, ttl_s) is None


def test_a_driver_that_is_alive_keeps_others_out_and_is_named(prepared):
    with Lease(prepared.engine, prepared.row.id, ttl_s=2.0):
        held = stored.holder(prepared.engine, prepared.row.id)
        with pytest.raises(SweepBusy, match=f"driven by {held.owner}"):
            Lease(prepared.engine, prepared.row.id, ttl_s=2.0).__enter__()


def test_the_lease_is_renewed_for_as_long_as_it_is_held(prepared):
    with Lease(prepared.engine, prepared.row.id, ttl_s=0.5) as lease:
        time.sleep(1.5)
        assert stored.holder(prepared.engine, prepared.row.id).expires_in > 0
        assert not lease.lost
    assert stored.holder(prepared.engine, prepared.row.id) is None


def test_a_silent_driver_elsewhere_is_waited_for_until_its_lease_runs_out(prepared):
    held_by(prepared, "elsewhere:17", ttl_s=1.5)
    messages, started = [], time.monotonic()
    with Lease(prepared.engine, prepared.row.id, say=messages.append):
        assert 1.0 < time.monotonic() - started < 6.0
    assert messages == ["the driver elsewhere:17 may still be alive: waiting up to 1 s"] or (
        messages == ["the driver elsewhere:17 may still be alive: waiting up to 2 s"]
    )


def test_a_driver_of_this_machine_that_is_dead_is_replaced_at_once(prepared):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(30)
    held_by(prepared, f"{socket.gethostname()}:{process.pid}", ttl_s=60)
    started = time.monotonic()
    with Lease(prepared.engine, prepared.row.id):
        assert time.monotonic() - started < 5


def test_a_driver_that_was_replaced_learns_it_and_stores_nothing_more(sweeps, quick_runner):
    prepared = sweeps.prepare()

    def taken_over(job, on_epoch, stop):
        if job.trial == 3 and job.rung == 0:
            mine = stored.holder(prepared.engine, prepared.row.id).token
            stored.acquire(
                prepared.engine, prepared.row.id, "second", "elsewhere:1", 60, replacing=mine
            )
        return quick_runner(job, on_epoch, stop)

    with pytest.raises(LeaseLost, match="elsewhere:1"):
        run(prepared, executor=InlineExecutor(taken_over))
    states = [job.state for job in queries.jobs(prepared.engine, prepared.row)]
    assert states == ["COMPLETE"] * 3 + ["RUNNING"]
    assert stored.holder(prepared.engine, prepared.row.id).token == "second"


def test_a_lost_lease_ends_a_sweep_whose_jobs_are_silent(sweeps):
    prepared = sweeps.prepare()

    def silent(job, on_epoch, stop):
        mine = stored.holder(prepared.engine, prepared.row.id).token
        stored.acquire(
            prepared.engine, prepared.row.id, "second", "elsewhere:1", 60, replacing=mine
        )
        started = time.monotonic()
        while not stop():
            time.sleep(0.05)
            assert time.monotonic() - started < 10
        from searchctl.trainer.core.results import JobResult

        return JobResult("stopped", None)

    with pytest.raises(LeaseLost):
        run(prepared, executor=InlineExecutor(silent))


def test_a_stop_from_elsewhere_reaches_the_driver_and_resume_forgets_it(sweeps, quick_runner):
    prepared = sweeps.prepare()

    def slow(job, on_epoch, stop):
        if job.trial == 2:
            request_state(prepared.engine, "quick", "STOPPED")
            started = time.monotonic()
            while not stop():
                time.sleep(0.05)
                assert time.monotonic() - started < 10
        return quick_runner(job, on_epoch, stop)

    row = run(prepared, executor=InlineExecutor(slow))
    assert row.state == "STOPPED"
    assert row.error.startswith("`searchctl stop` requested it; missing: rung 0: ")
    resumed = prepare_resume("quick", sweeps.url)
    assert run(resumed, executor=InlineExecutor(quick_runner)).state == "COMPLETE"


def test_a_sweep_whose_driver_died_is_shown_as_interrupted(prepared):
    held_by(prepared, f"{socket.gethostname()}:{os.getpid()}", ttl_s=0.2)
    assert queries.find_sweep(prepared.engine, "quick").shown_state == "RUNNING"
    time.sleep(0.4)
    row = queries.find_sweep(prepared.engine, "quick")
    assert (row.state, row.shown_state, row.driver) == ("RUNNING", "INTERRUPTED", None)
