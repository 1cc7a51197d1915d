"""A clock that jumps under a running sweep, or between two drivers, changes times only."""

import time
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from searchctl.orchestrator.driver import lease as held
from searchctl.orchestrator.driver.lease import Lease
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.facts.ranking import rank_trials
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.storage import lease
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.writes import jobs, writer
from tests.processes.in_process import searchctl


class Clock:
    """The clock of this machine and of SQLite, with a jump."""

    def __init__(self, engine, monkeypatch):
        self.ahead = timedelta()
        clock = self

        class Jumping(datetime):
            @classmethod
            def now(cls, zone=None):
                return datetime.now(zone) + clock.ahead

        for module in (jobs, writer):
            monkeypatch.setattr(module, "datetime", Jumping)
        event.listen(engine, "connect", self._replace)
        engine.dispose()

    def _replace(self, connection, _record):
        connection.create_function("julianday", 1, lambda _now: self.julian_day())

    def julian_day(self):
        return 2440587.5 + (time.time() + self.ahead.total_seconds()) / 86400


@pytest.fixture
def prepared(sweeps):
    return sweeps.prepare()


@pytest.mark.parametrize("hours", [-30, 30], ids=["back", "forward"])
def test_a_jump_in_the_middle_of_a_sweep_changes_no_decision(
    hours, prepared, sweeps, quick_runner, monkeypatch
):
    clock = Clock(prepared.engine, monkeypatch)

    def run_job(job, on_epoch, stop):
        if (job.trial, job.rung) == (3, 0):
            clock.ahead = timedelta(hours=hours)
        return quick_runner(job, on_epoch, stop)

    row = run(prepared, executor=InlineExecutor(run_job))
    assert row.state == "COMPLETE"
    assert rank_trials(prepared.engine, row, 1)[0].trial == 5
    pruned = [d.trial for d in queries.decisions(prepared.engine, row) if d.verdict == "pruned"]
    assert sorted(pruned) == [0, 1, 3, 4, 6, 7]
    for view in (["status", "quick"], ["show", "quick", "3"], ["report", "quick"], ["list"]):
        done = searchctl(*view, "--db", sweeps.url, cwd=sweeps.folder)
        assert done.returncode == 0, done.stderr
        assert "-1 d" not in done.stdout


def test_a_silent_driver_elsewhere_is_replaced_in_time_though_the_clock_was_put_back(
    prepared, monkeypatch
):
    clock = Clock(prepared.engine, monkeypatch)
    lease.acquire(prepared.engine, prepared.row.id, "other", "elsewhere:17", 30)
    clock.ahead = timedelta(hours=-1)
    assert queries.find_sweep(prepared.engine, "quick").driver is None
    monkeypatch.setattr(held, "LEASE_S", 1.0)
    said, started = [], time.monotonic()
    with Lease(prepared.engine, prepared.row.id, say=said.append):
        assert time.monotonic() - started < 10
    assert said == ["the driver elsewhere:17 may still be alive: waiting up to 1 s"]
