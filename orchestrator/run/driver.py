"""The driver of one sweep: hands its course's jobs to an executor, and stores what comes back.

Data goes one way: course -> job -> executor -> result -> one transaction -> mirror -> display.
"""

import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Literal

from upath import UPath

from searchctl.orchestrator.artifacts.initial_files import InitialFiles
from searchctl.orchestrator.callbacks.base import Callback
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.pending import Waiting
from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.halving.bracket import BracketJob, Signal
from searchctl.orchestrator.halving.follow_up import training_seed
from searchctl.orchestrator.halving.job_key import JobKey, key_of
from searchctl.orchestrator.halving.rule import Decision, Outcome
from searchctl.orchestrator.halving.schedule import Schedule
from searchctl.orchestrator.run.budget import GpuMeter, StopConditions
from searchctl.orchestrator.run.outbox import Outbox
from searchctl.orchestrator.search.mirror import mirror_result, outcome_of
from searchctl.orchestrator.search.study import StudyMirror
from searchctl.orchestrator.storage.rows import AttemptRow, JobRow
from searchctl.orchestrator.storage.writer import SweepWriter
from searchctl.trainer.core.results import EpochRecord, JobResult, JobStatus
from searchctl.trainer.data.settings import Sample

BACK_OFF_S = (0.0, 5.0, 30.0)
"""Seconds to wait before a lost job is tried again: after its first loss, its second, and so on."""

COLLECT_EVERY_S = 2.0
"""Seconds between two removals of files: of many jobs at once they take little more than of one."""

_TRIED_AGAIN = ("lost", "stopped", "blocked", "unusable")

Collect = Callable[[Iterable[JobKey]], None]
"""Removes the files that these jobs leave and nobody needs any more."""


class Driver:
    """Where an executor's jobs come from and results go to (see executors/base.py)."""

    def __init__(
        self,
        sweep: Sweep,
        course: Schedule,
        writer: SweepWriter,
        mirror: StudyMirror,
        callback: Callback,
        runs: UPath,
        *,
        initial: InitialFiles,
        collect: Collect,
        meter: GpuMeter,
        stop: StopConditions,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Drive `sweep`; files go below `runs`; `stop` tells a stop from a lost worker."""
        self.course = course
        self.outbox = Outbox(callback.database_down, callback.database_up)
        self._sweep = sweep
        self._trials = sweep.trials()
        self._writer = writer
        self._mirror = mirror
        self._callback = callback
        self._runs = runs
        self._initial = initial
        self._collect = collect
        self._meter = meter
        self._stop = stop
        self._clock = clock
        self._next: JobAttempt | None = None
        self._waiting: Waiting | None = None
        self._running: dict[JobKey, str] = {}
        self._not_before: dict[JobKey, float] = {}
        self._losses: Counter[JobKey] = Counter()
        self._furthest: Counter[JobKey] = Counter()
        self._earlier: defaultdict[JobKey, list[str]] = defaultdict(list)
        self._weights: dict[int, UPath] = {}
        self._over: set[JobKey] = set()
        self._collect_at = 0.0

    def replay(self, jobs: Sequence[JobRow], attempts: Sequence[AttemptRow]) -> list[Decision]:
        """Put the course where stored results left it; return the decisions they lead to."""
        for attempt in attempts:
            self._earlier[key_of(attempt)].append(attempt.token)
            self._losses[key_of(attempt)] += attempt.outcome == "lost"
        decisions: list[Decision] = []
        for job in jobs:
            if job.weights:
                self._weights[job.trial] = UPath(job.weights)
            if outcome := outcome_of(job):
                decisions += self.course.record(key_of(job), outcome)
        return decisions

    def next_job(self) -> JobAttempt | Signal:
        """Return the next job; none while the database does not answer."""
        if self._next is None:
            slot = self.course.next_job(self._held_back())
            if isinstance(slot, Signal):
                self.outbox.flush()
                return slot
            self._next = self._job(slot)
        # the same job with the same token until it is stored: a commit may be unacknowledged
        if not self.outbox.flush() or not self.outbox.attempt(partial(self._start, self._next)):
            return Signal.WAIT
        job, self._next = self._next, None
        return job

    def started(self, job: JobAttempt, worker: str) -> None:
        """Store where a job runs; it holds its GPUs from now on, and did not while it waited."""
        self._meter.begin(job.token, job.gpus)
        self.outbox.put(partial(self._writer.attempt_started, job.token, worker))

    def on_epoch(self, job: JobAttempt, record: EpochRecord) -> None:
        """Store and show an epoch of a running job."""
        key = key_of(job)
        if self._running.get(key) == job.token and record.epoch > self._furthest[key]:
            # spot nodes may be taken any number of times, as long as the job gets on
            self._furthest[key], self._losses[key] = record.epoch, 0
        self.outbox.put(partial(self._writer.save_epoch, job.token, record))
        self._callback.epoch(job, record)

    def record(self, job: JobAttempt, result: JobResult) -> None:
        """Store a result with the decisions that it completes, then mirror and show them."""
        if result.status in _TRIED_AGAIN:
            self.lost(job, result.error or "stopped", result.status)
        elif self._ends(job):
            self._finish(job, result)

    def waiting(self, waiting: Waiting | None) -> None:
        """Store what jobs wait for, where it has changed."""
        if waiting != self._waiting:
            self._waiting = waiting
            self.outbox.put(partial(self._writer.set_waiting, waiting))

    def lost(self, job: JobAttempt, error: str, status: JobStatus = "lost") -> None:
        """Let a lost job wait for another attempt; after `max_attempts` losses it has failed.

        Losses that it got further between are not counted.

        What all trials share (the disk, the data) is not held against one: the sweep is blocked.
        """
        if not self._ends(job):
            return
        if self._stop():
            self._lose(job, "stopped", "stopped")
            return
        key = key_of(job)
        self._losses[key] += 1
        losses = self._losses[key]
        self._callback.job_lost(job, error, losses)
        over = losses >= self._sweep.resources.max_attempts
        if status == "unusable" or (status == "blocked" and over):
            self._lose(job, "stopped", error)
            self._stop.block(error.split("\n\n")[0])
        elif over:
            self._finish(job, JobResult("failed", None, error=f"lost {losses} times: {error}"))
        else:
            self._lose(job, "lost" if status == "lost" else "stopped", error)
            self._wait_for_another(key, losses)

    def _wait_for_another(self, key: JobKey, losses: int) -> None:
        self.course.release(key)
        wait = BACK_OFF_S[min(losses, len(BACK_OFF_S)) - 1]
        self._not_before[key] = self._clock() + wait

    def abandon_next(self) -> None:
        """Give up a job that was about to start when the executor ended."""
        if self._next is not None:
            self._lose(self._next, "stopped", "stopped")

    def _ends(self, job: JobAttempt) -> bool:
        """Take a running attempt off; False for one that has been replaced, whose news is late."""
        if self._running.get(key_of(job)) != job.token:
            note = {"trial": job.trial, "rung": job.rung, "token": job.token}
            self.outbox.put(partial(self._writer.note, "late", **note))
            return False
        del self._running[key_of(job)]
        self._meter.end(job.token)
        return True

    def _finish(self, job: JobAttempt, result: JobResult) -> None:
        if result.weights:
            self._weights[job.trial] = result.weights
        failed = result.status == "failed"
        outcome = Outcome(job.trial, job.rung, result.score, failed, result.seconds)
        decisions = self.course.record(key_of(job), outcome)
        self.outbox.put(partial(self._store, job, result, decisions))
        self._callback.job_done(job, result)
        if decisions:
            self._callback.rung_closed(decisions)

    def _store(self, job: JobAttempt, result: JobResult, decisions: Sequence[Decision]) -> None:
        self._writer.save_result(job.token, result, decisions)
        mirror_result(self._mirror, job, result, decisions)
        below = [JobKey(job.trial, job.rung - 1)] if job.rung else []
        self._over |= {key_of(job), *below, *(JobKey(d.trial, d.rung) for d in decisions)}
        if self._clock() >= self._collect_at:
            self._collect(self._over)
            self._over, self._collect_at = set(), self._clock() + COLLECT_EVERY_S

    def _lose(self, job: JobAttempt, outcome: Literal["lost", "stopped"], error: str) -> None:
        lose = self._writer.lose_attempt
        self.outbox.put(partial(lose, job.token, outcome, error))

    def _start(self, job: JobAttempt) -> None:
        attempt = self._writer.start_attempt(
            key_of(job),
            token=job.token,
            fraction=str(job.fraction),
            images=job.sample.images,
            gpus=job.gpus,
        )
        self._running[key_of(job)] = job.token
        self._earlier[key_of(job)].append(job.token)
        if job.kind == "ladder":
            self._mirror.begin(job.trial, job.params)
        self._callback.job_started(job, attempt)

    def _held_back(self) -> Collection[JobKey]:
        now = self._clock()
        self._not_before = {key: until for key, until in self._not_before.items() if now < until}
        return self._not_before.keys()

    def _job(self, slot: BracketJob) -> JobAttempt:
        token, key = secrets.token_hex(8), slot.key
        rung, halving = slot.rung, self._sweep.halving
        begins_as = self._sweep.training.with_params(self._trials[slot.trial])
        final = rung == self.course.bracket.ladder.rungs[-1]
        warm, ranked = halving.continue_ == "warm", key.kind == "ladder"
        place = self._runs / key.folder
        earlier = self._earlier[key]
        below = self._weights.get(slot.trial) if warm and rung.number else None
        return JobAttempt(
            trial=slot.trial,
            rung=rung.number,
            token=token,
            params=self._trials[slot.trial],
            settings=self._sweep.training,
            sample=Sample(self._sweep.data, rung.images, training_seed(key, self._sweep.seed)),
            fraction=rung.fraction,
            score=halving.score,
            out=place / token,
            resume_from=tuple(place / before for before in reversed(earlier)),
            final=final and key.kind != "audit",  # the test split is for finalists
            inference=self._sweep.inference,
            features=final and ranked and self._sweep.report.features,
            masks=self._sweep.report.wanted_images if ranked else 0,
            keep_weights=warm or (final and ranked),
            init_from=below or self._initial.checkpoint(begins_as),
            encoder_from=self._initial.encoder(begins_as),
            device=None if self._sweep.resources.gpus_per_trial else "cpu",
            gpus=self._sweep.resources.gpus_per_trial,
            processes=self._sweep.resources.processes,
            stall_timeout_s=self._sweep.resources.stall_timeout,
            kind=key.kind,
            repeat=key.repeat,
        )
