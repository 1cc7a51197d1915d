"""What was stored of a sweep since the last read: the change feed of `watch` and `logs -f`.

One indexed query reads each kind of row. New rows have larger ids, because only one driver writes
them. New epochs belong to an attempt that is new or was open at the last read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, Engine, Select, func, literal, or_, select

from searchctl.orchestrator.halving.job_key import Kind
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.reads.common import jobs_with, of_sweep
from searchctl.orchestrator.storage.rows import AttemptOutcome, SweepRow
from searchctl.trainer.core.results import EpochRecord

_trials, _jobs, _attempts = schema.trials, schema.jobs, schema.attempts
_epochs, _decisions, _events = schema.epochs, schema.decisions, schema.events
_cohorts = schema.cohorts


@dataclass(frozen=True)
class AttemptStarted:
    """An attempt at a job has started."""

    at: datetime
    trial: int
    rung: int
    kind: Kind
    repeat: int
    params: dict[str, Any]
    attempt: int


@dataclass(frozen=True)
class EpochFinished:
    """A job has finished an epoch."""

    at: datetime
    """Approximate: its attempt's start, plus the seconds of the attempt's epochs."""
    trial: int
    rung: int
    kind: Kind
    repeat: int
    params: dict[str, Any]
    record: EpochRecord


@dataclass(frozen=True)
class AttemptEnded:
    """An attempt at a job has ended."""

    at: datetime
    trial: int
    rung: int
    kind: Kind
    repeat: int
    params: dict[str, Any]
    attempt: int
    worker: str | None
    outcome: AttemptOutcome
    error: str | None
    score: float | None
    """Score of the job; None unless this attempt completed it."""
    seconds: float | None


@dataclass(frozen=True)
class DecisionMade:
    """A decision was made."""

    at: datetime
    trial: int
    decision: Decision
    of_cohort: int | None
    """Number of the trial's cohort; None if the sweep has only one."""


@dataclass(frozen=True)
class SweepEvent:
    """An event of the sweep as a whole."""

    at: datetime
    kind: str
    detail: dict[str, Any]


_Row = Mapping[Any, Any]
Change = AttemptStarted | EpochFinished | AttemptEnded | DecisionMade | SweepEvent

_COUNTED = (("_attempt", _attempts), ("_decision", _decisions), ("_event", _events))
_ORDER = (SweepEvent, AttemptStarted, EpochFinished, AttemptEnded, DecisionMade)
"""Of changes at the same moment."""


class ChangeFeed:
    """Reads the changes of a sweep, or of one of its trials, since the last read."""

    def __init__(self, engine: Engine, sweep: SweepRow, trial: int | None = None) -> None:
        """Start with all that is stored; a trial's changes leave out the events of the sweep."""
        self._engine = engine
        self._sweep = sweep
        self._trial = trial
        self._attempt = self._decision = self._event = 0
        self._open: set[int] = set()
        self._epoch: dict[int, int] = {}
        self._first: dict[int, int] = {}
        """First epoch of each open attempt, by id: a result says it at the end of the attempt."""

    @classmethod
    def from_now(cls, engine: Engine, sweep: SweepRow) -> Self:
        """Start with what is stored from now on."""
        feed = cls(engine, sweep)
        with engine.connect() as connection:
            # the newest ids first: what starts in between is new, so that none is missed
            for name, table in _COUNTED:
                newest = connection.execute(select(func.max(table.c.id))).scalar()
                setattr(feed, name, newest or 0)
            rows = connection.execute(_open_attempts(sweep)).all()
            feed._open = {attempt for attempt, *_ in rows}
            feed._epoch = {job: epoch or 0 for _, job, epoch in rows}
        return feed

    def read(self) -> list[Change]:
        """Return the changes in the order in which they happened."""
        started = or_(_attempts.c.id > self._attempt, _attempts.c.id.in_(sorted(self._open)))
        queries = (
            _attempts_where(started),
            _epochs_where(started),
            _decisions_after(self._decision),
        )
        with self._engine.connect() as connection:
            # all reads first: one that fails leaves everything to be read again
            attempts, epochs, decisions = (
                connection.execute(of_sweep(query, self._sweep, self._trial)).mappings().all()
                for query in queries
            )
            events = connection.execute(self._events()).mappings().all()
        changes = [
            *self._epoch_changes(attempts, epochs),
            *self._attempt_changes(attempts),
            *(
                _made(
                    DecisionMade,
                    row,
                    at=row["decided_at"],
                    decision=_made(Decision, row),
                    of_cohort=row["number_of_cohort"] if row["cohorts"] > 1 else None,
                )
                for row in decisions
            ),
            *(_made(SweepEvent, event) for event in events),
        ]
        self._decision = max([self._decision, *(row["id"] for row in decisions)])
        self._event = max([self._event, *(row["id"] for row in events)])
        return sorted(changes, key=lambda change: (change.at, _ORDER.index(type(change))))

    def _attempt_changes(self, attempts: Sequence[_Row]) -> Iterator[AttemptStarted | AttemptEnded]:
        """Yield the attempts that have started, and those that have ended."""
        for row in attempts:
            if row["id"] > self._attempt:
                self._attempt = row["id"]
                yield _made(AttemptStarted, row, at=row["started_at"])
            if row["outcome"] is None:
                self._open.add(row["id"])
                continue
            self._open.discard(row["id"])
            score = row["score"] if row["outcome"] == "complete" else None
            yield _made(AttemptEnded, row, at=row["ended_at"], score=score)

    def _epoch_changes(
        self, attempts: Sequence[_Row], epochs: Sequence[_Row]
    ) -> Iterator[EpochFinished]:
        """Yield the new epochs, each at about the moment when it ended."""
        known = {row["job_id"]: row for row in attempts}
        starts: dict[tuple[int, int], datetime] = {}
        for row in attempts:
            resumed = self._first.setdefault(row["id"], self._epoch.get(row["job_id"], 0) + 1)
            starts[row["job_id"], row["first_epoch"] or resumed] = row["started_at"]
        moment = datetime.min
        for row in epochs:
            job, epoch = row["job_id"], row["epoch"]
            if epoch == 1:
                moment = known[job]["started_at"]
            moment = starts.get((job, epoch), moment) + timedelta(seconds=row["seconds"])
            moment = min(moment, known[job]["ended_at"] or moment)
            if epoch > self._epoch.get(job, 0):
                self._epoch[job] = epoch
                yield _made(EpochFinished, known[job], at=moment, record=_made(EpochRecord, row))

    def _events(self) -> Select[Any]:
        query = select(_events).where(_events.c.sweep_id == self._sweep.id)
        query = query.where(_events.c.id > self._event, literal(self._trial is None))
        return query.order_by(_events.c.id)


def _attempts_where(wanted: ColumnElement[bool]) -> Select[Any]:
    return (
        jobs_with(_trials.c.params, _jobs.c.rung, _jobs.c.kind, _jobs.c.repeat)
        .add_columns(_jobs.c.score, _jobs.c.seconds)
        .add_columns(_attempts, _attempts.c.number.label("attempt"))
        .join(_attempts, _attempts.c.job_id == _jobs.c.id)
        .where(wanted)
        .order_by(_attempts.c.id)
    )


def _epochs_where(wanted: ColumnElement[bool]) -> Select[Any]:
    return (
        select(_epochs)
        .join(_jobs, _epochs.c.job_id == _jobs.c.id)
        .join(_trials, _jobs.c.trial_id == _trials.c.id)
        .where(_epochs.c.job_id.in_(select(_attempts.c.job_id).where(wanted)))
        .order_by(_epochs.c.job_id, _epochs.c.epoch)
    )


def _decisions_after(newest: int) -> Select[Any]:
    names = [each.name for each in fields(Decision) if each.name != "trial"]
    cohorts = select(func.count()).where(_cohorts.c.sweep_id == _trials.c.sweep_id)
    return (
        select(_decisions.c.id, _decisions.c.decided_at, _trials.c.number.label("trial"))
        .add_columns(_trials.c.cohort.label("number_of_cohort"))
        .add_columns(cohorts.scalar_subquery().label("cohorts"))
        .add_columns(*(_decisions.c[name] for name in names))
        .join(_trials, _decisions.c.trial_id == _trials.c.id)
        .where(_decisions.c.id > newest)
        .order_by(_decisions.c.id)
    )


def _open_attempts(sweep: SweepRow) -> Select[Any]:
    """Select the id, the job and the job's newest epoch of each open attempt."""
    newest = select(func.max(_epochs.c.epoch)).where(_epochs.c.job_id == _attempts.c.job_id)
    return (
        select(_attempts.c.id, _attempts.c.job_id, newest.scalar_subquery())
        .join(_jobs, _attempts.c.job_id == _jobs.c.id)
        .join(_trials, _jobs.c.trial_id == _trials.c.id)
        .where(_trials.c.sweep_id == sweep.id, _attempts.c.outcome.is_(None))
    )


def _made(kind: Any, row: Any, **others: Any) -> Any:
    """Return a record from the columns of a row that are its fields."""
    names = {each.name for each in fields(kind)}
    return kind(**{name: row[name] for name in names if name in row} | others)
