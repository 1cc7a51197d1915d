"""The driver of one sweep: hands its jobs to an executor, and stores what comes back.

Data goes one way: schedule -> job -> executor -> result -> one transaction -> mirror -> display.
What to do is decided by attempts.py; this is where it is done.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from upath import UPath

from searchctl.orchestrator.callbacks.base import Callback
from searchctl.orchestrator.core.errors import SweepBlocked
from searchctl.orchestrator.core.pending import Waiting
from searchctl.orchestrator.driver.attempts import (
    Attempts,
    BlockSweep,
    Cause,
    CloseAttempt,
    Ended,
    EpochDone,
    Event,
    Lost,
    NoteLate,
    Opened,
    ReportLoss,
    StoreFailure,
    StoreResult,
)
from searchctl.orchestrator.driver.budget import GpuMeter, StopConditions
from searchctl.orchestrator.driver.job_builder import JobBuilder
from searchctl.orchestrator.driver.measured import Measured
from searchctl.orchestrator.driver.out_of_memory import OutOfMemory
from searchctl.orchestrator.driver.recorder import Recorder
from searchctl.orchestrator.driver.reuse import Reuse
from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.halving.bracket import Signal
from searchctl.orchestrator.halving.cohorts import DrawCohort, DrawnCohort
from searchctl.orchestrator.halving.job_key import key_of
from searchctl.orchestrator.halving.rule import Decision, Outcome
from searchctl.orchestrator.search.mirror import noted_batch, outcome_of
from searchctl.orchestrator.storage.measurements import Measurement
from searchctl.orchestrator.storage.rows import AttemptRow, JobRow
from searchctl.trainer.core.results import EpochRecord, JobResult
from searchctl.trainer.settings.batch import Batch


class Driver:
    """Source of an executor's jobs and receiver of its results (see executors/base.py)."""

    def __init__(
        self,
        attempts: Attempts,
        builder: JobBuilder,
        recorder: Recorder,
        callback: Callback,
        *,
        meter: GpuMeter,
        stop: StopConditions,
        draw: Callable[[int], DrawnCohort],
        measured: Measured,
        reuse: Reuse | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Drive a sweep; `stop` distinguishes a stop from a lost worker.

        `draw` draws and stores a cohort, and returns its trials.
        `measured` decides which trials exceed a limit.
        With `reuse`, jobs that were trained before are not handed out.
        """
        self._attempts = attempts
        self._builder = builder
        self._recorder = recorder
        self._callback = callback
        self._meter = meter
        self._stop = stop
        self._draw = draw
        self._reuse = reuse
        self._measured = measured
        self._clock = clock
        self._next: JobAttempt | None = None

    def replay(self, jobs: Sequence[JobRow], attempts: Sequence[AttemptRow]) -> list[Decision]:
        """Return to the state of the stored results; return the decisions that they give.

        Raises:
            BracketError: a result of a job that the results before it do not lead to.
        """
        for job in jobs:
            if job.weights:
                self._builder.keep_weights(job.trial, UPath(job.weights), job.content_hash)
            if self._reuse and job.hardware:
                self._reuse.ran_on(job.hardware)
        return self._attempts.replay(
            [(key_of(each), each.token, each.outcome) for each in attempts],
            [(key_of(job), self._judged(job, each)) for job in jobs if (each := outcome_of(job))],
            [(key_of(job), Batch(**job.batch)) for job in jobs if job.batch],
        )

    def _judged(self, job: JobRow, outcome: Outcome) -> Outcome:
        """Return a stored job's outcome with the limits that it exceeds."""
        if job.kind != "ladder" or not outcome.finite:
            return outcome
        return replace(outcome, violation=self._measured.violation(job.trial, job.hardware or ""))

    def next_job(self) -> JobAttempt | Signal:
        """Return the next job that has to be trained; none while the database does not answer."""
        while isinstance(job := self._opened(), JobAttempt):
            if not self._reused(job):
                return job
        return job

    def upcoming(self) -> int:
        """Return how many jobs may run at once from now on, at most."""
        return self._attempts.schedule.upcoming

    def _opened(self) -> JobAttempt | Signal:
        if self._next is None:
            slot = self._attempts.next_job(self._clock())
            while isinstance(slot, DrawCohort):
                if not self._drawn(slot.number):
                    return Signal.WAIT
                slot = self._attempts.next_job(self._clock())
            if isinstance(slot, Signal):
                self._recorder.outbox.flush()
                return slot
            token, earlier = secrets.token_hex(8), self._attempts.tokens(slot.key)
            placement = self._attempts.placement(slot.key)
            self._next = self._builder.build(slot, token, earlier, placement)
        # the same job with the same token until it is stored: a commit may be unacknowledged
        number = self._recorder.open(self._next)
        if number is None:
            return Signal.WAIT
        job, self._next = self._next, None
        self._attempts.handle(Opened(key_of(job), job.token), self._clock())
        self._callback.job_started(job, number)
        return job

    def _drawn(self, number: int) -> bool:
        """Draw a cohort once all results are stored; return whether it could be drawn."""
        drawn: list[DrawnCohort] = []
        outbox = self._recorder.outbox
        try:
            if outbox.flush() and outbox.attempt(lambda: drawn.append(self._draw(number))):
                self._attempts.schedule.cohorts.open(number, drawn[0])
        except SweepBlocked as error:
            self._stop.block(str(error))
        return bool(drawn)

    def _reused(self, job: JobAttempt) -> bool:
        """Store the result of a finished job that computed the same, if there is one."""
        result = self._reuse.find(job) if self._reuse else None
        if result is not None:
            self.record(job, result)
        return result is not None

    def started(self, job: JobAttempt, worker: str) -> None:
        """Store where a job runs; it holds its GPUs from now on, and did not while it waited."""
        self._meter.begin(job.token, job.gpus)
        self._recorder.worker(job, worker)

    def on_epoch(self, job: JobAttempt, record: EpochRecord) -> None:
        """Store and show an epoch of a running job."""
        self._attempts.handle(EpochDone(key_of(job), job.token, record.epoch), self._clock())
        self._recorder.epoch(job, record)
        self._callback.epoch(job, record)

    def record(self, job: JobAttempt, result: JobResult) -> None:
        """Store a result with the decisions that it completes, then mirror and show them."""
        if result.status in ("lost", "stopped", "blocked", "unusable"):
            self.lost(job, result.error or "stopped", result.status)
        elif result.status == "out_of_memory":
            self._out_of_memory(job, result)
        else:
            self._ended(job, result)

    def _ended(self, job: JobAttempt, result: JobResult) -> None:
        failed, new = result.status == "failed", self._measured.new(job, result)
        outcome = Outcome(job.trial, job.rung, result.score, failed, result.seconds)
        outcome = replace(outcome, note=noted_batch(job.batch))
        if job.kind == "ladder" and outcome.finite:
            violation = self._measured.violation(job.trial, result.hardware, new)
            outcome = replace(outcome, violation=violation)
        self._end(job, Ended(key_of(job), job.token, outcome), result, new)

    def _out_of_memory(self, job: JobAttempt, result: JobResult) -> None:
        event = OutOfMemory(
            key_of(job),
            job.token,
            result.error or "",
            Batch.of(job.trial_settings),
            result.batch_statistics,
            on_gpu=job.gpus > 0,
            stopping=self._stop(),
        )
        self._end(job, event, result)

    def lost(self, job: JobAttempt, error: str, cause: Cause = "lost") -> None:
        """Store that a job ended without a result; it is retried, or has failed, or blocks."""
        event = Lost(key_of(job), job.token, cause, error, stopping=self._stop())
        self._end(job, event, JobResult("lost", None, error=error))

    def waiting(self, waiting: Waiting | None) -> None:
        """Store what jobs wait for."""
        self._recorder.waiting(waiting)

    def abandon_next(self) -> None:
        """Close a job that was about to start when the executor ended."""
        if self._next is not None:
            self._recorder.close(self._next, CloseAttempt("stopped", "stopped"))

    def _end(
        self, job: JobAttempt, event: Event, result: JobResult, new: Sequence[Measurement] = ()
    ) -> None:
        """Carry out what follows from the end of an attempt, which measured what is new."""
        self._meter.end(job.token)
        for instruction in self._attempts.handle(event, self._clock()):
            match instruction:
                case StoreResult(decisions):
                    self._measured.learn(new)
                    self._store(job, result, decisions, new)
                case StoreFailure(error, decisions):
                    self._store(job, JobResult("failed", None, error=error), decisions)
                case CloseAttempt():
                    self._recorder.close(job, instruction)
                case ReportLoss(error, losses):
                    self._callback.job_lost(job, error, losses)
                case BlockSweep(reason):
                    self._stop.block(reason)
                case NoteLate():
                    self._recorder.late(job)

    def _store(
        self,
        job: JobAttempt,
        result: JobResult,
        decisions: Sequence[Decision],
        new: Sequence[Measurement] = (),
    ) -> None:
        if result.weights:
            self._builder.keep_weights(job.trial, result.weights, job.content_hash)
        if self._reuse and result.hardware:
            self._reuse.ran_on(result.hardware)
        self._recorder.result(job, result, decisions, new)
        self._callback.job_done(job, result)
        if decisions:
            self._stop.rung_closed(decisions)
            self._callback.rung_closed(decisions)
