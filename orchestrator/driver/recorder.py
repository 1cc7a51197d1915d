"""Stores what happens to a sweep's jobs: in the database, then in the Optuna study, in order."""

import logging
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial

from searchctl.orchestrator.core.pending import Waiting
from searchctl.orchestrator.driver.attempts import CloseAttempt
from searchctl.orchestrator.driver.cleanup import Cleanup
from searchctl.orchestrator.driver.outbox import Outbox
from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.orchestrator.halving.job_key import JobKey, key_of
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.search.mirror import mirror_result
from searchctl.orchestrator.search.study import StudyMirror
from searchctl.orchestrator.storage.measurements import Measurement
from searchctl.orchestrator.storage.writes.writer import SweepWriter
from searchctl.trainer.core.results import EpochRecord, JobResult

log = logging.getLogger("searchctl")

DIFFERS = (
    "trial {trial} rung {rung}: epoch {epoch} was trained again after a loss, and its {field} is "
    "{now} instead of {before}. The new numbers count. Numbers repeat on equal hardware on a CPU; "
    "there, look for randomness in your own code"
)
"""Text of an epoch that should have given the same numbers."""

Warnings = Callable[[int, Container[int]], Iterable[str]]


class Recorder:
    """The driver's writes. All but `open` are kept while the database does not answer."""

    def __init__(
        self,
        writer: SweepWriter,
        mirror: StudyMirror,
        outbox: Outbox,
        cleanup: Cleanup,
        warnings: Warnings = lambda rung, trials: (),
    ) -> None:
        """Write through `outbox`; `cleanup` removes files once a result is stored.

        `warnings` returns what is to be logged of a rung and its trials once its decisions are
        stored.
        """
        self.outbox = outbox
        self._writer = writer
        self._mirror = mirror
        self._cleanup = cleanup
        self._warnings = warnings
        self._waiting: Waiting | None = None
        self._waits_since: str | None = None
        self._differing: set[str] = set()

    def open(self, job: JobAttempt) -> int | None:
        """Store that an attempt starts; may be repeated with the same token.

        Returns:
            The attempt's number, counted from 1; None while the database does not answer.
        """
        numbers: list[int] = []

        def store() -> None:
            number = self._writer.start_attempt(
                key_of(job),
                token=job.token,
                fraction=str(job.fraction),
                images=job.sample.images,
                gpus=job.gpus,
                content_hash=job.content_hash,
                batch=asdict(job.batch) if job.batch else None,
            )
            if job.kind == "ladder":
                self._mirror.begin(job.trial, job.params)
            numbers.append(number)

        done = self.outbox.flush() and self.outbox.attempt(store)
        return numbers[0] if done else None

    def worker(self, job: JobAttempt, worker: str) -> None:
        """Store which process, "host:pid", an attempt runs in."""
        self.outbox.put(partial(self._writer.attempt_started, job.token, worker))

    def epoch(self, job: JobAttempt, record: EpochRecord) -> None:
        """Store an epoch."""
        self.outbox.put(partial(self._store_epoch, job, record))

    def result(
        self,
        job: JobAttempt,
        result: JobResult,
        decisions: Sequence[Decision],
        measured: Sequence[Measurement] = (),
    ) -> None:
        """Store a result, the decisions that it completes and its measurements, all or nothing."""
        self.outbox.put(partial(self._store_result, job, result, decisions, measured))

    def close(self, job: JobAttempt, how: CloseAttempt) -> None:
        """Store that an attempt ended without a result."""
        batch = asdict(how.batch) if how.batch else None
        close = partial(self._writer.lose_attempt, job.token, how.outcome, how.error, batch)
        self.outbox.put(close)

    def late(self, job: JobAttempt) -> None:
        """Store that an attempt which was replaced has reported."""
        note = {"trial": job.trial, "rung": job.rung, "token": job.token}
        self.outbox.put(partial(self._writer.note, "late", **note))

    def waiting(self, waiting: Waiting | None) -> None:
        """Store what jobs wait for, if it has changed."""
        if waiting != self._waiting:
            if self._waiting is None:
                self._waits_since = datetime.now(UTC).isoformat(timespec="seconds")
            self._waiting = waiting
            stored = waiting and replace(waiting, since=self._waits_since)
            self.outbox.put(partial(self._writer.set_waiting, stored))

    def _store_epoch(self, job: JobAttempt, record: EpochRecord) -> None:
        """Store an epoch; report the first one that an attempt trains again to other numbers."""
        difference = self._writer.save_epoch(job.token, record)
        if difference is None or job.script is not None or job.token in self._differing:
            return
        detail = {"trial": job.trial, "rung": job.rung, **difference}
        self._writer.note("differs", **detail)
        self._differing.add(job.token)
        log.error("%s", DIFFERS.format_map(detail))

    def _store_result(
        self,
        job: JobAttempt,
        result: JobResult,
        decisions: Sequence[Decision],
        measured: Sequence[Measurement],
    ) -> None:
        self._writer.save_result(job.token, result, decisions, measured)
        mirror_result(self._mirror, job, result, decisions)
        below = [JobKey(job.trial, job.rung - 1)] if job.rung else []
        decided = [JobKey(decision.trial, decision.rung) for decision in decisions]
        self._cleanup.after([key_of(job), *below, *decided])
        compared = {decision.trial for decision in decisions}
        for warning in self._warnings(job.rung, compared) if compared else ():
            log.warning("%s", warning)
