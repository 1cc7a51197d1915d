"""Following a sweep from its database: a watcher receives the events of the driver's display."""

import json
import sqlite3
import threading
from dataclasses import replace
from functools import partial

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import OperationalError

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.executors.inline import InlineExecutor
from searchctl.orchestrator.facts.running.progress import Progress
from searchctl.orchestrator.facts.running.work import work_of
from searchctl.orchestrator.run.launch import run
from searchctl.orchestrator.storage.reads import queries
from searchctl.orchestrator.storage.reads.changes import AttemptStarted, ChangeFeed
from searchctl.orchestrator.terminal.watch import Ending, follow, plan_of, replay, snapshot
from searchctl.trainer.core.results import EpochRecord, JobResult


class Recorder(Progress):
    """Records the events that it receives."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.received = []

    def job_started(self, job, attempt):
        super().job_started(job, attempt)
        self.received.append(("started", job.trial, job.rung, dict(job.params), attempt))

    def epoch(self, job, record):
        super().epoch(job, record)
        self.received.append(("epoch", job.trial, job.rung, record))

    def job_done(self, job, result):
        super().job_done(job, result)
        self.received.append(
            ("done", job.trial, job.rung, result.status, result.score, result.error)
        )

    def job_lost(self, job, error, losses):
        super().job_lost(job, error, losses)
        self.received.append(("lost", job.trial, job.rung, error, losses))

    def rung_closed(self, decisions):
        self.received.append(("closed", list(decisions)))


@pytest.fixture
def troubled(quick_runner):
    """Let trial 6 diverge, trial 1 fail, and trial 4 lose its first worker."""
    lost = []

    def runner(job, on_epoch, stop):
        if job.trial == 4 and not lost:
            lost.append(job)
            on_epoch(EpochRecord(1, 1.0, 0.1, job.sample.images, 0.0))
            return JobResult("lost", None, error="the worker died")
        if job.trial == 1:
            raise RuntimeError("bad shape")
        if job.trial == 6:
            return JobResult("diverged", None, error="the loss was NaN")
        return quick_runner(job, on_epoch, stop)

    return runner


def driven(sweeps, runner):
    """Run a sweep; return it with its display."""
    prepared, displays = sweeps.prepare(), []

    def display(*arguments, **named):
        displays.append(Recorder(*arguments, **named))
        return displays[0]

    row = run(prepared, executor=InlineExecutor(runner), display=display)
    return prepared.engine, row, displays[0]


def watcher_of(engine, row):
    started = snapshot(engine, row)
    plan, totals = plan_of(engine, row), started.run_totals
    work = {"run_totals": totals, "work": work_of(plan)}
    return Recorder(row.ladder, row.direction, plan.epochs, started.done, **work)


def test_a_watcher_receives_the_events_of_the_driver_s_display(sweeps, troubled):
    engine, row, display = driven(sweeps, troubled)
    watcher = Recorder(row.ladder, row.direction, 1, {})
    replay(watcher, ChangeFeed(engine, row).read())
    assert len(display.received) > 40
    # an epoch of the lost attempt was trained again, and is stored once
    assert [t for t in watcher.received if t[0] != "epoch"] == [
        t for t in display.received if t[0] != "epoch"
    ]
    assert watcher.rungs() == display.rungs()


def test_epochs_are_reported_between_the_start_and_the_end_of_their_job(sweeps):
    engine, row, display = driven(sweeps, two_epochs)
    watcher = Recorder(row.ladder, row.direction, 1, {})
    replay(watcher, ChangeFeed(engine, row).read())
    assert watcher.received == display.received


def two_epochs(job, on_epoch, stop):
    records = tuple(EpochRecord(e, 1.0, 0.1, job.sample.images, 0.001, 0.5, e / 10) for e in (1, 2))
    for record in records:
        on_epoch(record)
    return JobResult("complete", (1 + job.trial) / 10, kept_epoch=1, epochs=records, seconds=1.5)


def test_reading_in_parts_equals_reading_at_once(sweeps, quick_runner):
    parts, readers = [], []

    def reading(job, on_epoch, stop):
        if not readers:
            engine = prepared.engine
            readers.append(ChangeFeed(engine, queries.find_sweep(engine, "quick")))
        parts.append(readers[0].read())
        return quick_runner(job, on_epoch, stop)

    prepared = sweeps.prepare()
    row = run(prepared, executor=InlineExecutor(reading))
    parts.append(readers[0].read())
    whole = ChangeFeed(prepared.engine, row).read()
    assert len(parts) == 15
    assert all(parts)
    assert [change for part in parts for change in part] == whole
    assert readers[0].read() == []


def test_a_late_watcher_sees_the_current_ladder(sweeps, troubled):
    jobs, watchers = iter(range(11)), []

    def interrupting(job, on_epoch, stop):
        if next(jobs, None) is None and not watchers:
            row = queries.find_sweep(prepared.engine, "quick")
            watchers.append(
                (ChangeFeed.from_now(prepared.engine, row), watcher_of(prepared.engine, row))
            )
            watchers.append(display.rungs())
        return troubled(job, on_epoch, stop)

    prepared = sweeps.prepare()
    display = Recorder(prepared.row.ladder, "maximize", 1, {})
    row = run(prepared, executor=InlineExecutor(interrupting), display=lambda *_, **__: display)
    (news, watcher), then = watchers
    assert watcher.rungs() == then
    replay(watcher, news.read())
    assert watcher.rungs() == display.rungs()
    assert watcher.received == display.received[-len(watcher.received) :]
    assert (row.state, watcher.images_per_second > 0, watcher.seconds_left) == ("COMPLETE", True, 0)


def untimed(news):
    """Return the changes without the moment at which an attempt began."""
    return [replace(each, at=None) if isinstance(each, AttemptStarted) else each for each in news]


def test_epochs_that_are_read_one_by_one_have_the_times_of_those_read_at_once(sweeps):
    prepared = sweeps.prepare(space={"lr": [0.1]})
    feed, parts = ChangeFeed(prepared.engine, prepared.row), []

    def reading(job, on_epoch, stop):
        records = tuple(EpochRecord(e, 1.0, 0.1, 8, 1e-5, 0.5, 0.4) for e in (1, 2, 3))
        for record in records:
            on_epoch(record)
            parts.extend(feed.read())
        return JobResult("complete", 0.4, kept_epoch=1, epochs=records, seconds=1.5)

    row = run(prepared, executor=InlineExecutor(reading))
    parts.extend(feed.read())
    assert parts == ChangeFeed(prepared.engine, row).read()


def test_a_stopped_sweep_with_a_driver_is_being_resumed_and_has_not_ended(sweeps):
    stopped = replace(sweeps.prepare().row, state="STOPPED")
    assert Ending().reached(stopped)
    assert not Ending().reached(replace(stopped, driver="node-1:4711"))


def test_a_sweep_is_followed_to_its_end(sweeps, quick_runner):
    prepared = sweeps.prepare()
    begin, taken = threading.Event(), []

    def waiting(job, on_epoch, stop):
        begin.wait(30)
        return quick_runner(job, on_epoch, stop)

    thread = threading.Thread(
        target=partial(run, prepared, executor=InlineExecutor(waiting)), daemon=True
    )
    thread.start()
    news = ChangeFeed(prepared.engine, prepared.row)

    def take(changes):
        taken.extend(changes)
        begin.set()

    find = partial(queries.find_sweep, prepared.engine, "quick")
    row = follow(find, news, take, pytest.fail, pytest.fail, poll_s=0.01)
    thread.join(30)
    assert row.state == "COMPLETE"
    # a wait for a worker was reported before it was over: a pending job has not started
    assert untimed(taken) == untimed(ChangeFeed(prepared.engine, row).read())


def test_a_database_that_is_away_is_waited_for(sweeps):
    prepared, row = sweeps.launch()
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    away, messages = iter([OperationalError("SELECT", {}, busy)] * 2), []

    def find():
        for error in away:
            raise error
        return row

    news = ChangeFeed(prepared.engine, row)
    follow(find, news, messages.append, messages.append, partial(messages.append, "up"), poll_s=0)
    assert messages[:2] == ["database is locked", "up"]
    assert len(messages[2]) > 40


def test_a_sweep_without_a_driver_is_over_only_after_a_while(sweeps):
    row, now = sweeps.prepare().row, iter([0.0, 4.9, 6.0, 8.0, 11.1])
    ending = Ending(5.0, clock=lambda: next(now))
    driven = replace(row, driver="node-1:4711")
    assert row.shown_state == "INTERRUPTED"
    seen = [ending.reached(each) for each in (row, driven, row, row)]
    assert seen == [False, False, False, True]


def cli_lines(sweeps, *arguments, code=0):
    done = CliRunner().invoke(cli, [*arguments, "--db", sweeps.url])
    assert done.exit_code == code, done.output
    return done.output.splitlines()


def test_logs_print_one_line_per_event(sweeps, troubled):
    sweeps.launch(troubled)
    lines = [line.partition("  ")[2] for line in cli_lines(sweeps, "logs", "quick")]
    assert lines[0].startswith("sweep driven by ")
    assert lines[-1] == "sweep complete"
    for line in (
        "trial 0 rung 0: started, lr=0.1 weight_decay=0",
        "trial 1 rung 0: failed on",
        "trial 4 rung 0: lost",
        "trial 4 rung 0: started (attempt 2), lr=0.001 weight_decay=0",
        "trial 5 rung 0: epoch 1: train loss 1.0000, val loss 0.5000, val mIoU 0.8000, 0s",
        "trial 5 rung 0: complete, score 0.8000 in 2s on",
        "rung 0 closed: best 0.8000 (trial 5), 4 of 8 kept: 5, 2, 7, 4",
    ):
        assert any(each.startswith(line) for each in lines), line
    (failed,) = (line for line in lines if line.startswith("trial 1 rung 0: failed"))
    assert failed.endswith("RuntimeError: bad shape")


def test_logs_of_a_trial_are_its_own(sweeps):
    sweeps.launch()
    lines = [line.partition("  ")[2] for line in cli_lines(sweeps, "logs", "quick", "--trial", "4")]
    assert len(lines) == 8
    assert all(line.startswith("trial 4 rung") for line in lines)
    assert lines[3].startswith("trial 4 rung 0: promoted, rank 4 of 8, 4 kept")


def test_logs_for_scripts_are_an_object_a_line(sweeps):
    sweeps.launch()
    found = [json.loads(line) for line in cli_lines(sweeps, "logs", "quick", "--json")]
    kinds = [each["what"] for each in found]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "event": 3,
        "began": 14,
        "epoch": 14,
        "ended": 14,
        "verdict": 14,
    }
    (winner,) = (each for each in found if each.get("verdict") == "complete" and each["rank"] == 1)
    assert (winner["trial"], winner["rung"]) == (5, 2)


def test_logs_that_follow_an_ended_sweep_end(sweeps):
    sweeps.launch()
    assert cli_lines(sweeps, "logs", "quick", "-f") == cli_lines(sweeps, "logs", "quick")


def test_a_trial_that_is_not_there_is_named(sweeps):
    sweeps.launch()
    for arguments in (("logs", "quick", "--trial", "8"), ("compare", "quick", "1", "8")):
        done = CliRunner().invoke(cli, [*arguments, "--db", sweeps.url])
        assert str(done.exception) == "sweep 'quick' has trials 0 to 7, not 8"


ENDS = {"COMPLETE": 0, "FAIL": 3, "STOPPED": 4}


@pytest.mark.parametrize(("state", "code"), ENDS.items())
def test_watch_ends_as_the_sweep_did(state, code, sweeps, sqlite_run):
    sweeps.launch()
    sqlite_run(f"UPDATE searchctl_sweeps SET state = '{state}'")
    lines = cli_lines(sweeps, "watch", "quick", code=code)
    assert lines[0] == f"quick {state}"
    assert lines[2].split() == ["0", "1/4", "8", "8", "8", "0", "0", "0", "0.8000"]
