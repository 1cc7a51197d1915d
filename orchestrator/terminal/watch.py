"""Follows a sweep through its database, for the same displays that its driver uses."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from searchctl.orchestrator.callbacks.base import Callback
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.facts.running.progress import Totals
from searchctl.orchestrator.facts.sweeps import JobState
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.planning.plan import Plan, plan_sweep
from searchctl.orchestrator.storage.faults import unreachable
from searchctl.orchestrator.storage.reads.changes import (
    AttemptEnded,
    AttemptStarted,
    Change,
    ChangeFeed,
    DecisionMade,
    EpochFinished,
)
from searchctl.orchestrator.storage.reads.image_scores import val_images
from searchctl.orchestrator.storage.reads.snapshot import (
    current_run,
    epochs_of_running,
    job_states,
)
from searchctl.orchestrator.storage.rows import JOB_STATES, SweepRow
from searchctl.trainer.core.results import JobResult, JobStatus

POLL_S = 1.0
GONE_AFTER_S = 5.0
"""Seconds without a driver after which a sweep counts as interrupted: a sweep that was just
launched has none yet."""


@dataclass(frozen=True)
class Snapshot:
    """The state of a sweep when watching starts."""

    done: dict[JobKey, JobState]
    run_totals: Totals


def snapshot(engine: Engine, sweep: SweepRow) -> Snapshot:
    """Return the first state of a display, by a few queries that do not read every epoch."""
    done = {
        key: JobState(key.rung, job.state, job.score, kind=key.kind)
        for key, job in job_states(engine, sweep).items()
        if job.state not in ("WAITING", "RUNNING")
    }
    run, now = current_run(engine, sweep), sweep.ended_at or datetime.now(UTC)
    run_totals = Totals(
        elapsed=_seconds(run.began, now),
        working=None if run.first_job is None else _seconds(run.first_job, now),
        images=run.images,
        epoch_seconds=run.epoch_seconds,
        validations=run.validations,
        running=epochs_of_running(engine, sweep),
    )
    return Snapshot(done, run_totals)


def plan_of(engine: Engine, sweep: SweepRow) -> Plan:
    """Return the plan of a stored sweep."""
    val = len(val_images(engine, sweep)) or None  # older sweeps have no list of them
    return plan_sweep(Sweep.from_json(sweep.spec), sweep.ladder[-1]["images"], val)


def follow(
    find: Callable[[], SweepRow],
    feed: ChangeFeed,
    take: Callable[[list[Change]], None],
    on_down: Callable[[str], None],
    on_up: Callable[[], None],
    *,
    poll_s: float = POLL_S,
    gone_after_s: float = GONE_AFTER_S,
) -> SweepRow:
    """Pass on the changes of a sweep until it ends; return its final row.

    While the database does not answer, this waits for it.

    Args:
        find: reads the sweep's row.
        feed: the changes to pass on.
        take: takes them, in parts.
        on_down: called once, with the reason, when the database does not answer.
        on_up: called when the database answers again.
        poll_s: seconds between two reads of the database.
        gone_after_s: seconds without a driver after which an open sweep counts as interrupted.
    """
    ending, down = Ending(gone_after_s), False
    while True:
        try:
            # in this order: once a sweep has ended, nothing changes any more
            row, changes = find(), feed.read()
        except DBAPIError as error:
            if not unreachable(error):
                raise
            if not down:
                on_down(str(error.orig).strip().splitlines()[0])
            down = True
        else:
            if down:
                on_up()
            down = False
            take(changes)
            if ending.reached(row):
                return row
        time.sleep(poll_s)


class Ending:
    """Decides whether a watched sweep has ended."""

    def __init__(
        self, gone_after_s: float = GONE_AFTER_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Count a sweep as interrupted after so many seconds without a driver."""
        self._gone_after_s = gone_after_s
        self._clock = clock
        self._driven = clock()

    def reached(self, row: SweepRow) -> bool:
        """Record the current state of the sweep, and return whether it has ended.

        A sweep with a driver has not: if it was stopped, it is being resumed.
        """
        if row.driver is not None:
            self._driven = self._clock()
            return False
        if row.state != "RUNNING":
            return True
        return self._clock() - self._driven >= self._gone_after_s


def replay(callback: Callback, changes: Iterable[Change]) -> None:
    """Call a callback with the changes, as the sweep's driver would."""
    for rung, together in groupby(changes, _closed_rung):
        if rung is not None:
            callback.rung_closed(
                [each.decision for each in together if isinstance(each, DecisionMade)]
            )
            continue
        for change in together:
            _report_job(callback, change)


def _closed_rung(change: Change) -> tuple[int | None, int] | None:
    if isinstance(change, DecisionMade):
        return change.of_cohort, change.decision.rung
    return None


def _report_job(callback: Callback, change: Change) -> None:
    if isinstance(change, AttemptStarted):
        callback.job_started(change, change.attempt)
    elif isinstance(change, EpochFinished):
        callback.epoch(change, change.record)
    elif isinstance(change, AttemptEnded) and change.outcome in JOB_STATES:
        status: JobStatus = change.outcome
        result = JobResult(status, change.score, error=change.error, seconds=change.seconds or 0.0)
        callback.job_done(change, result)
    elif isinstance(change, AttemptEnded):
        callback.job_lost(change, change.error or change.outcome, change.attempt)


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())
