"""The attempts at a sweep's jobs, pure: event in, instructions out. No clock, threads or I/O.

    next_job         Opened            Ended
    -------->  slot ------->  open  ------------>  StoreResult, with the decisions it completes
        ^                      |
        |                      | Lost             ReportLoss, then one of
        +----------------------+--------------->  CloseAttempt: retried after a back-off
                               +--------------->  StoreFailure: lost too often, its trial has failed
                               +--------------->  CloseAttempt, BlockSweep: no trial is at fault
                               | OutOfMemory      ReportLoss, then one of
                               +--------------->  CloseAttempt: retried alone, or with half a batch
                               +--------------->  StoreFailure: it does not fit
                               | Lost, stopping
                               +--------------->  CloseAttempt: `resume` retries it

An event of an attempt that is not open is late, and gives NoteLate alone. The model is
dask.distributed's worker_state_machine: the code that carries out instructions decides nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from searchctl.orchestrator.driver.out_of_memory import OnOom, OutOfMemory, Placement, Placements
from searchctl.orchestrator.halving.bracket import BracketJob, Signal
from searchctl.orchestrator.halving.cohorts import DrawCohort
from searchctl.orchestrator.halving.job_key import JobKey
from searchctl.orchestrator.halving.rule import Decision, Outcome
from searchctl.orchestrator.halving.schedule import Schedule
from searchctl.orchestrator.storage.rows import AttemptOutcome
from searchctl.trainer.settings.batch import Batch

BACK_OFF_S = (0.0, 5.0, 30.0)
"""Seconds before a lost job is retried: after its first loss, its second, and all later ones."""

Cause = Literal["lost", "stopped", "blocked", "unusable"]
"""Why an attempt ended without a result. lost: its worker is gone. stopped: on request.
blocked: something that all trials share (the disk, the data) failed, perhaps for a moment.
unusable: the same, and a retry cannot help."""


@dataclass(frozen=True)
class Opened:
    """An attempt is stored and is handed to a worker."""

    key: JobKey
    token: str


@dataclass(frozen=True)
class EpochDone:
    """A running attempt has trained an epoch, counted from 1 over all attempts at its job."""

    key: JobKey
    token: str
    epoch: int


@dataclass(frozen=True)
class Ended:
    """An attempt has a result."""

    key: JobKey
    token: str
    outcome: Outcome


@dataclass(frozen=True)
class Lost:
    """An attempt ended without a result."""

    key: JobKey
    token: str
    cause: Cause
    error: str
    """For people; its first paragraph is what blocks a sweep."""
    stopping: bool = False
    """Is the whole sweep being stopped? Then it is no loss."""


Event = Opened | EpochDone | Ended | Lost | OutOfMemory


@dataclass(frozen=True)
class StoreResult:
    """Store the attempt's result and the decisions that it completes, in one transaction."""

    decisions: tuple[Decision, ...]


@dataclass(frozen=True)
class StoreFailure:
    """Store that the job has failed with this error, as `StoreResult` does."""

    error: str
    decisions: tuple[Decision, ...]


@dataclass(frozen=True)
class CloseAttempt:
    """Store that the attempt ended without a result; only one that is lost counts as a loss."""

    outcome: Literal["lost", "stopped", "out_of_memory"]
    error: str
    batch: Batch | None = None
    """The batch of the job's next attempts, whose epochs start anew; None: as before."""


@dataclass(frozen=True)
class ReportLoss:
    """Report that the job has lost an attempt."""

    error: str
    losses: int
    """Lost attempts since the job last resumed from a later checkpoint."""


@dataclass(frozen=True)
class BlockSweep:
    """End the sweep: something that all trials share must be fixed first."""

    reason: str


@dataclass(frozen=True)
class NoteLate:
    """Note that the event came from an attempt that was replaced, and ignore it."""


Instruction = StoreResult | StoreFailure | CloseAttempt | ReportLoss | BlockSweep | NoteLate
"""What an event requires for its attempt."""


class Attempts:
    """Which attempt at each job is open, how often jobs were lost, and when one may be retried.

    Two drivers that are given the same events give the same instructions. A job has one open
    attempt at most, and only events of that one count.
    """

    def __init__(self, schedule: Schedule, max_attempts: int, on_oom: OnOom = "auto") -> None:
        """Attempt the jobs of `schedule`; one that is lost `max_attempts` times has failed.

        The networks that `on_oom` names are trained with a smaller batch if they do not fit.
        """
        self.schedule = schedule
        self._max_attempts = max_attempts
        self._placements = Placements(on_oom)
        self._open: dict[JobKey, str] = {}
        self._tokens: defaultdict[JobKey, list[str]] = defaultdict(list)
        self._losses: Counter[JobKey] = Counter()
        self._resumed_after: Counter[JobKey] = Counter()
        self._has_reported: set[str] = set()
        self._not_before: dict[JobKey, float] = {}

    def replay(
        self,
        attempts: Iterable[tuple[JobKey, str, AttemptOutcome | None]],
        outcomes: Iterable[tuple[JobKey, Outcome]],
        batches: Iterable[tuple[JobKey, Batch]] = (),
    ) -> list[Decision]:
        """Return to the state of stored attempts and outcomes; return the decisions they give.

        Args:
            attempts: job, token and outcome, in their order.
            outcomes: job and outcome, by rung; those of follow-up jobs last.
            batches: jobs whose batch was halved, and their batch, in the same order.

        Raises:
            BracketError: an outcome of a job that the outcomes before it do not lead to.
        """
        for key, token, ended in attempts:
            self._tokens[key].append(token)
            self._losses[key] += ended == "lost"
            if ended == "failed":  # its job is pending only if a user requested a retry
                self._losses[key] = 0
                self._placements.put_back(key)
            elif ended == "out_of_memory":
                self._placements.put_alone(key)
        for key, batch in batches:
            self._placements.shrink(key, batch)
        return [each for key, outcome in outcomes for each in self.schedule.record(key, outcome)]

    def next_job(self, now: float) -> BracketJob | DrawCohort | Signal:
        """Return the next job of the schedule, but for those that wait for their back-off.

        A cohort that has to be drawn comes first.

        Args:
            now: seconds by a clock that never goes back.
        """
        self._not_before = {key: until for key, until in self._not_before.items() if now < until}
        return self.schedule.next_job(self._not_before.keys())

    def tokens(self, key: JobKey) -> tuple[str, ...]:
        """Return the tokens of all attempts at a job, the first one first."""
        return tuple(self._tokens[key])

    def placement(self, key: JobKey) -> Placement:
        """Return what differs from the settings in the next attempt at a job."""
        return self._placements.of(key)

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Take an event; return the required actions for its attempt, in order."""
        if isinstance(event, Opened):
            self._open[event.key] = event.token
            self._tokens[event.key].append(event.token)
            return []
        is_open = self._open.get(event.key) == event.token
        if isinstance(event, EpochDone):
            if is_open:
                self._advance(event.key, event.token, event.epoch)
            return []
        if not is_open:
            return [NoteLate()]
        del self._open[event.key]
        if isinstance(event, Ended):
            return [StoreResult(self.schedule.record(event.key, event.outcome))]
        if event.stopping:
            return [CloseAttempt("stopped", "stopped")]
        return self._lose(event, now) if isinstance(event, Lost) else self._without_memory(event)

    def _advance(self, key: JobKey, token: str, epoch: int) -> None:
        """Forget a job's losses once it resumes later: any number of spot nodes may be taken.

        The first epoch of an attempt says which checkpoint it resumed from. Other epochs are no
        progress yet: if the attempt is lost, they may have to be trained again.
        """
        if token in self._has_reported:
            return
        self._has_reported.add(token)
        if epoch - 1 > self._resumed_after[key]:
            self._resumed_after[key], self._losses[key] = epoch - 1, 0

    def _lose(self, lost: Lost, now: float) -> list[Instruction]:
        self._losses[lost.key] += 1
        losses = self._losses[lost.key]
        return [ReportLoss(lost.error, losses), *self._after_loss(lost, losses, now)]

    def _after_loss(self, lost: Lost, losses: int, now: float) -> list[Instruction]:
        too_often = losses >= self._max_attempts
        if lost.cause == "unusable" or (lost.cause == "blocked" and too_often):
            reason = lost.error.split("\n\n")[0]
            return [CloseAttempt("stopped", lost.error), BlockSweep(reason)]
        if too_often:
            return [self._fail(lost.key, f"lost {losses} times: {lost.error}")]
        self.schedule.release(lost.key)
        self._not_before[lost.key] = now + BACK_OFF_S[min(losses, len(BACK_OFF_S)) - 1]
        return [CloseAttempt("lost" if lost.cause == "lost" else "stopped", lost.error)]

    def _without_memory(self, event: OutOfMemory) -> list[Instruction]:
        """Retry the job at once in another way; that is no loss, since it computes another thing.

        With another batch, the job starts anew.
        """
        key, following = event.key, self._placements.next_try(event)
        error = f"{following.text}\n\n{event.error}"
        if following.fails:
            return [ReportLoss(error, 1), self._fail(key, error)]
        self.schedule.release(key)
        if following.batch:
            self._losses[key] = self._resumed_after[key] = 0
        return [ReportLoss(error, 1), CloseAttempt("out_of_memory", error, following.batch)]

    def _fail(self, key: JobKey, error: str) -> StoreFailure:
        failed = Outcome(key.trial, key.rung, None, failed=True)
        return StoreFailure(error, self.schedule.record(key, failed))
