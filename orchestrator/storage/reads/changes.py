"""What has been stored of a sweep since one last asked: the reads of `watch` and `logs -f`.

Each kind of row is read by one indexed query. Rows are found again by their ids, which grow as the
one driver writes them; epochs by their attempt, which must be new or was open at the last read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, Engine, Select, func, literal, or_, select

from searchctl.orchestrator.halving.job_key import Kind
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage import schema
from searchctl.orchestrator.storage.rows import AttemptOutcome, SweepRow
from searchctl.trainer.core.results import EpochRecord

_trials, _jobs, _attempts = schema.trials, schema.jobs, schema.attempts
_epochs, _decisions, _events = schema.epochs, schema.decisions, schema.events


@dataclass(frozen=True)
class AttemptStarted:
    """An attempt at a job has begun."""

    at: datetime
    trial: int
    rung: int
    kind: Kind
    repeat: int
    params: dict[str, Any]
    attempt: int


@dataclass(frozen=True)
class EpochFinished:
    """A job has trained one more epoch."""

    at: datetime
    """About when: its attempt's start, and the time that the attempt's epochs have taken."""
    trial: int
    rung: int
    kind: Kind
    repeat: int
    params: dict[str, Any]
    record: EpochRecord


@dataclass(frozen=True)
class Ended:
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
    """Of the job; None unless this attempt completed it."""
    seconds: float | None


@dataclass(frozen=True)
class DecisionMade:
    """A decision was made."""

    at: datetime
    trial: int
    decision: Decision


@dataclass(frozen=True)
class SweepEvent:
    """Something happened to the sweep as a whole."""

    at: datetime
    kind: str
    detail: dict[str, Any]


_Row = Mapping[Any, Any]
Change = AttemptStarted | EpochFinished | Ended | DecisionMade | SweepEvent

_COUNTED = (("_attempt", _attempts), ("_decision", _decisions), ("_event", _events))
_ORDER = (SweepEvent, AttemptStarted, EpochFinished, Ended, DecisionMade)
"""Of changes at the same moment."""


class ChangeFeed:
    """Reads what is new of a sweep, or of one of its trials, each time it is asked."""

    def __init__(self, engine: Engine, sweep: SweepRow, trial: int | None = None) -> None:
        """Begin with all that is stored; a trial's news leave out what happened to the sweep."""
        self._engine = engine
        self._sweep = sweep
        self._trial = trial
        self._attempt = self._decision = self._event = 0
        self._open: set[int] = set()
        self._epoch: dict[int, int] = {}

    @classmethod
    def from_now(cls, engine: Engine, sweep: SweepRow) -> Self:
        """Begin with what is stored from now on."""
        news = cls(engine, sweep)
        with engine.connect() as connection:
            # the newest ids first: what begins in between is new, and none is missed
            for name, table in _COUNTED:
                newest = connection.execute(select(func.max(table.c.id))).scalar()
                setattr(news, name, newest or 0)
            rows = connection.execute(_open_attempts(sweep)).all()
            news._open = {attempt for attempt, *_ in rows}
            news._epoch = {job: epoch or 0 for _, job, epoch in rows}
        return news

    def read(self) -> list[Change]:
        """Return what is new, in the order in which it happened."""
        started = or_(_attempts.c.id > self._attempt, _attempts.c.id.in_(sorted(self._open)))
        queries = (
            _attempts_where(started),
            _epochs_where(started),
            _decisions_after(self._decision),
        )
        with self._engine.connect() as connection:
            # all reads first: one that fails leaves everything to be read again
            attempts, epochs, verdicts = (
                connection.execute(self._of_trial(query)).mappings().all() for query in queries
            )
            events = connection.execute(self._events()).mappings().all()
        news = [
            *self._trained(attempts, epochs),
            *self._tried(attempts),
            *(
                _made(DecisionMade, v, at=v["decided_at"], decision=_made(Decision, v))
                for v in verdicts
            ),
            *(_made(SweepEvent, event) for event in events),
        ]
        self._decision = max([self._decision, *(row["id"] for row in verdicts)])
        self._event = max([self._event, *(row["id"] for row in events)])
        return sorted(news, key=lambda change: (change.at, _ORDER.index(type(change))))

    def _tried(self, attempts: Sequence[_Row]) -> Iterator[AttemptStarted | Ended]:
        """Yield the attempts that have begun, and those that have ended."""
        for row in attempts:
            if row["id"] > self._attempt:
                self._attempt = row["id"]
                yield _made(AttemptStarted, row, at=row["started_at"])
            if row["outcome"] is None:
                self._open.add(row["id"])
                continue
            self._open.discard(row["id"])
            score = row["score"] if row["outcome"] == "complete" else None
            yield _made(Ended, row, at=row["ended_at"], score=score)

    def _trained(self, attempts: Sequence[_Row], epochs: Sequence[_Row]) -> Iterator[EpochFinished]:
        """Yield the epochs that are new, each at about the moment when it was over."""
        known = {row["job_id"]: row for row in attempts}
        starts: dict[tuple[int, int], datetime] = {}
        for row in attempts:
            resumed = self._epoch.get(row["job_id"], 0) + 1
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

    def _of_trial(self, query: Select[Any]) -> Select[Any]:
        query = query.where(_trials.c.sweep_id == self._sweep.id)
        return query if self._trial is None else query.where(_trials.c.number == self._trial)


def _attempts_where(wanted: ColumnElement[bool]) -> Select[Any]:
    return (
        select(_attempts, _attempts.c.number.label("attempt"), _attempts.c.error)
        .add_columns(_trials.c.number.label("trial"), _trials.c.params, _jobs.c.rung)
        .add_columns(_jobs.c.kind, _jobs.c.repeat, _jobs.c.score, _jobs.c.seconds)
        .join(_jobs, _attempts.c.job_id == _jobs.c.id)
        .join(_trials, _jobs.c.trial_id == _trials.c.id)
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
    return (
        select(_decisions.c.id, _decisions.c.decided_at, _trials.c.number.label("trial"))
        .add_columns(*(_decisions.c[name] for name in names))
        .join(_trials, _decisions.c.trial_id == _trials.c.id)
        .where(_decisions.c.id > newest)
        .order_by(_decisions.c.id)
    )


def _open_attempts(sweep: SweepRow) -> Select[Any]:
    """Select the id, the job and its newest epoch of each attempt that is open."""
    newest = select(func.max(_epochs.c.epoch)).where(_epochs.c.job_id == _attempts.c.job_id)
    return (
        select(_attempts.c.id, _attempts.c.job_id, newest.scalar_subquery())
        .join(_jobs, _attempts.c.job_id == _jobs.c.id)
        .join(_trials, _jobs.c.trial_id == _trials.c.id)
        .where(_trials.c.sweep_id == sweep.id, _attempts.c.outcome.is_(None))
    )


def _made(kind: Any, row: Any, **others: Any) -> Any:
    """Make a record of the columns that it has."""
    names = {each.name for each in fields(kind)}
    return kind(**{name: row[name] for name in names if name in row} | others)
