"""All writes of a driver. Each is one transaction, so a kill leaves all of it or nothing.

Every write checks the driver's lease in the same transaction. Every write can be repeated, because
a connection that is lost during a commit leaves it unknown whether the commit succeeded.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import Connection, Engine, bindparam, insert, select, update

from searchctl.orchestrator.core.pending import Waiting
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage import lease, results, schema
from searchctl.orchestrator.storage.measurements import Measurement, add_measurements
from searchctl.orchestrator.storage.rows import (
    AttemptOutcome,
    SweepState,
    TrialState,
)
from searchctl.orchestrator.storage.writes import jobs
from searchctl.orchestrator.storage.writes.cohorts import (
    NewCohort,
    NewDraw,
    add_cohorts,
    store_draw,
    trial_ids,
)
from searchctl.orchestrator.storage.writes.events import append_event, now
from searchctl.trainer.core.results import EpochRecord, JobResult

TRIAL_STATES: dict[str, TrialState] = {
    "promoted": "WAITING",
    "pruned": "PRUNED",
    "complete": "COMPLETE",
    "diverged": "FAIL",
    "failed": "FAIL",
}
"""State of a trial after a decision, with Optuna's names."""


class SweepWriter:
    """Writes the rows of one sweep for its driver. Reads are in reads/.

    Every method raises LeaseLost and stores nothing if another driver has taken over the sweep.
    Every method can be called again after an error of the database without storing rows twice.
    """

    def __init__(self, engine: Engine, sweep_id: int, token: str, ttl_s: float) -> None:
        """Write to a sweep whose lease is held under `token`; each write renews it by `ttl_s`."""
        self._engine = engine
        self._sweep_id = sweep_id
        self._token = token
        self._ttl_s = ttl_s
        with engine.connect() as connection:
            self._trial_ids = trial_ids(connection, sweep_id)

    def draw_cohort(self, draw: NewDraw) -> None:
        """Store the trials of a cohort, with what they were drawn from."""
        with self._transaction() as connection:
            self._trial_ids |= store_draw(connection, self._sweep_id, draw)

    def start_attempt(
        self,
        key: JobKey,
        *,
        token: str,
        fraction: str,
        images: int,
        gpus: float,
        content_hash: str | None = None,
        batch: Mapping[str, int] | None = None,
    ) -> int:
        """Store a new attempt at a job; return its number, counted from 1.

        `batch` is the one that replaces that of the job's settings.
        """
        with self._transaction() as connection:
            if number := jobs.number_of(connection, token):
                return number  # a repeated write: the first one was stored
            job_id = self._running_job(connection, key, fraction, images)
            jobs.change(connection, job_id, content_hash=content_hash, batch=batch)
            jobs.set_trial_of(connection, job_id, "RUNNING")
            return jobs.begin(connection, job_id, token, gpus)

    def attempt_started(self, token: str, worker: str) -> None:
        """Store the process (host:pid) in which an open attempt runs."""
        with self._transaction() as connection:
            jobs.started(connection, token, worker)

    def save_epoch(self, token: str, record: EpochRecord) -> dict[str, Any] | None:
        """Store one epoch of an open attempt; replace the one of an earlier attempt.

        Returns:
            Where the two differ (see `jobs.replace_epoch`); None if they do not.
        """
        with self._transaction() as connection:
            job_id = jobs.open_job(connection, token)
            return jobs.replace_epoch(connection, job_id, record) if job_id is not None else None

    def lose_attempt(
        self,
        token: str,
        outcome: Literal["lost", "stopped", "out_of_memory"],
        error: str | None,
        batch: Mapping[str, int] | None = None,
    ) -> None:
        """Close an attempt without a result; its job waits for a retry, with `batch` if given."""
        with self._transaction() as connection:
            closed = jobs.close_unfinished(connection, token, outcome, error=error)
            jobs.set_pending(connection, closed)
            if closed is not None and batch is not None:
                jobs.set_batch(connection, closed, batch)

    def save_result(
        self,
        token: str,
        result: JobResult,
        decisions: Sequence[Decision],
        measured: Sequence[Measurement] = (),
    ) -> bool:
        """Store a job's result, the decisions that it completed, and what it measured for limits.

        Returns:
            Whether the result was stored. It is not if the attempt is no longer open: the result
            is late, or this is a repeated write.
        """
        closing = {"error": result.error, "first_epoch": result.first_epoch}
        outcome = cast(AttemptOutcome, result.status)  # lost and stopped attempts have no result
        with self._transaction() as connection:
            job_id = jobs.close(connection, token, outcome, **closing)
            if job_id is None:
                return False
            jobs.change(connection, job_id, **results.job_values(result))
            jobs.replace_details(connection, job_id, result)
            add_measurements(connection, self._sweep_id, measured)
            self._save_decisions(connection, decisions)
            return True

    def close_open_attempts(self, error: str, ended_at: datetime) -> int:
        """Close the open attempts of a dead driver as stopped; return how many there were.

        Args:
            error: the reason, for users.
            ended_at: last sign of life of that driver. Its attempts used no GPU afterwards.
        """
        with self._transaction() as connection:
            left = jobs.left_open(connection, self._sweep_id)
            for token in left:
                ended = {"error": error, "ended_at": ended_at}
                closed = jobs.close_unfinished(connection, token, "stopped", **ended)
                jobs.set_pending(connection, closed)
            return len(left)

    def request_cohorts(self, cohorts: Sequence[NewCohort]) -> None:
        """Store further cohorts; the sweep has to be resumed for them."""
        trials = sum(cohort.trials for cohort in cohorts)
        reason = f"extended by {trials} trials, which are not trained yet"
        with self._transaction() as connection:
            self._set_sweep(connection, state="STOPPED", error=reason)
            add_cohorts(connection, self._sweep_id, cohorts)
            detail = {"cohorts": [cohort.number for cohort in cohorts], "trials": trials}
            append_event(connection, self._sweep_id, "extended", detail)

    def retry_failed(self, keys: Sequence[JobKey], cohort: NewCohort | None) -> None:
        """Set failed jobs back to WAITING, and store the cohort of other failed trials, if any."""
        again = sorted({*(key.trial for key in keys), *(cohort.retried if cohort else ())})
        reason = f"{len(again)} failed trials are entered again, and not trained yet"
        with self._transaction() as connection:
            self._set_sweep(connection, state="STOPPED", error=reason)
            for key in keys:
                jobs.forget_failure(connection, self._job_id(connection, key))
            add_cohorts(connection, self._sweep_id, [cohort] if cohort else [])
            append_event(connection, self._sweep_id, "retried", {"trials": again})

    def add_initial_files(self, files: Mapping[str, Mapping[str, str]]) -> None:
        """Store further initial weights, of trials that are drawn later."""
        with self._transaction() as connection:
            query = select(schema.sweeps.c.initial_files)
            stored = connection.execute(query.where(schema.sweeps.c.id == self._sweep_id))
            self._set_sweep(connection, initial_files={**stored.scalar_one(), **files})

    def set_state(self, state: SweepState, error: str | None = None, **detail: Any) -> None:
        """Set the sweep's state. Any state but RUNNING sets its end, too.

        Args:
            state: the new state.
            error: the reason, for users.
            **detail: further facts of the event.
        """
        ended = None if state == "RUNNING" else now()
        with self._transaction() as connection:
            self._set_sweep(connection, state=state, error=error, ended_at=ended, waiting=None)
            facts = {**detail, **({"error": error} if error else {})}
            append_event(connection, self._sweep_id, state.lower(), facts)

    def set_waiting(self, waiting: Waiting | None) -> None:
        """Store the resources that pending jobs wait for, for displays."""
        with self._transaction() as connection:
            self._set_sweep(connection, waiting=waiting and waiting.to_json())

    def replace_spec(
        self,
        spec: Mapping[str, Any],
        spec_hash: str,
        versions: Mapping[str, str],
        data_fingerprint: str,
        initial_files: Mapping[str, Mapping[str, str]],
        val_images: Sequence[tuple[str, str]],
    ) -> None:
        """Store a changed spec that the user has accepted."""
        with self._transaction() as connection:
            self._set_sweep(
                connection,
                spec=spec,
                spec_hash=spec_hash,
                versions=versions,
                data_fingerprint=data_fingerprint,
                initial_files=initial_files,
                val_images=val_images,
            )

    def note(self, kind: str, **detail: Any) -> None:
        """Append an event, unless it equals the sweep's newest event."""
        with self._transaction() as connection:
            append_event(connection, self._sweep_id, kind, detail)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            lease.hold(connection, self._sweep_id, self._token, self._ttl_s)
            yield connection

    def _running_job(self, connection: Connection, key: JobKey, fraction: str, images: int) -> int:
        if job_id := self._job_id(connection, key):
            jobs.change(connection, job_id, state="RUNNING")
            return job_id
        row = {**self._row_of(key), "state": "RUNNING", "fraction": fraction, "images": images}
        connection.execute(insert(schema.jobs), row)
        return self._job_id(connection, key) or 0

    def _job_id(self, connection: Connection, key: JobKey) -> int | None:
        same = select(schema.jobs.c.id).filter_by(**self._row_of(key))
        return connection.execute(same).scalar()

    def _row_of(self, key: JobKey) -> dict[str, Any]:
        values = {**key._asdict(), "trial_id": self._trial_ids[key.trial]}
        del values["trial"]
        return values

    def _set_sweep(self, connection: Connection, **values: Any) -> None:
        which = schema.sweeps.c.id == self._sweep_id
        connection.execute(update(schema.sweeps).where(which).values(values))

    def _save_decisions(self, connection: Connection, decisions: Sequence[Decision]) -> None:
        """Store the decisions on a rung in two statements, because there may be thousands."""
        if not decisions:
            return
        at, trials, rows = now(), schema.trials, [asdict(decision) for decision in decisions]
        for row in rows:
            row |= {"trial_id": self._trial_ids[row.pop("trial")], "decided_at": at}
        connection.execute(insert(schema.decisions), rows)
        change = update(trials).where(trials.c.id == bindparam("which"))
        connection.execute(
            change.values(state=bindparam("becomes")),
            [{"which": r["trial_id"], "becomes": TRIAL_STATES[r["verdict"]]} for r in rows],
        )
