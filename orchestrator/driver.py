"""The driver of one sweep: hands the bracket's jobs to an executor, and stores what comes back.

Data goes one way: bracket -> job -> executor -> result -> one transaction -> mirror -> display.
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orchestrator.bracket import Bracket, BracketJob, Signal
from orchestrator.halving import Decision, Outcome
from orchestrator.job import Job
from orchestrator.observer import Observer
from orchestrator.storage.rows import JobRow
from orchestrator.storage.writer import SweepWriter
from orchestrator.study import StudyMirror
from orchestrator.sweep import Sweep
from searchspace import Params
from trainer.data_settings import Sample
from trainer.results import EpochRecord, JobResult

BACK_OFF_S = (0.0, 5.0, 30.0)
"""Seconds to wait before a lost job is tried again: after its first loss, its second, and so on."""


class Driver:
    """Where an executor's jobs come from and results go to (see executors/base.py)."""

    def __init__(
        self,
        sweep: Sweep,
        bracket: Bracket,
        writer: SweepWriter,
        mirror: StudyMirror,
        observer: Observer,
        runs: Path,
        stopping: Callable[[], bool],
    ) -> None:
        """Drive `sweep`; files go below `runs`; `stopping` tells a stop from a lost worker."""
        self._sweep = sweep
        self._trials: Sequence[Params] = sweep.trials()
        self.bracket = bracket
        self._writer = writer
        self._mirror = mirror
        self._observer = observer
        self._runs = runs
        self._stopping = stopping
        self._losses: Counter[tuple[int, int]] = Counter()
        self._not_before = 0.0
        self._weights: dict[int, Path] = {}

    def replay(self, jobs: Sequence[JobRow]) -> list[Decision]:
        """Put the bracket where stored results left it; return the verdicts they lead to."""
        decisions: list[Decision] = []
        for job in jobs:
            self._mirror.begin(job.trial, self._trials[job.trial])
            if job.state in ("WAITING", "RUNNING"):
                continue
            if job.weights:
                self._weights[job.trial] = Path(job.weights)
            outcome = Outcome(job.trial, job.rung, job.score, failed=job.state == "FAIL")
            if outcome.finite:
                evaluations = job.evaluations or {}
                miou = {split: scores["miou"] for split, scores in evaluations.items()}
                attributes = _attributes(job.rung, job.images, job, miou)
                self._mirror.report(job.trial, job.rung, job.score or 0.0, attributes)
            decisions += self._decide(outcome)
        return decisions

    def next_job(self) -> Job | Signal:
        """Return the next job, unless a lost one is still waiting for its back-off."""
        if time.monotonic() < self._not_before:
            return Signal.WAIT
        slot = self.bracket.next_job()
        if isinstance(slot, Signal):
            return slot
        job = self._job(slot)
        attempt = self._writer.start_attempt(
            job.trial,
            job.rung,
            token=job.token,
            fraction=str(job.fraction),
            images=job.sample.images,
        )
        self._mirror.begin(job.trial, job.params)
        self._observer.job_started(job, attempt)
        return job

    def on_epoch(self, job: Job, record: EpochRecord) -> None:
        """Store and show an epoch of a running job."""
        self._writer.save_epoch(job.trial, job.rung, record)
        self._observer.epoch(job, record)

    def record(self, job: Job, result: JobResult) -> None:
        """Store a result with the verdicts that it completes, then mirror and show them."""
        outcome = Outcome(job.trial, job.rung, result.score, failed=result.status == "failed")
        if result.weights:
            self._weights[job.trial] = result.weights
        decisions = self.bracket.record(outcome)
        self._writer.save_result(job.trial, job.rung, job.token, result, decisions)
        if outcome.finite:
            miou = {split: evaluation.miou for split, evaluation in result.evaluations.items()}
            attributes = _attributes(job.rung, job.sample.images, result, miou)
            self._mirror.report(job.trial, job.rung, result.score or 0.0, attributes)
        self._observer.job_done(job, result)
        self._mirror_verdicts(decisions)
        if decisions:
            self._observer.rung_closed(decisions)

    def lost(self, job: Job, error: str) -> None:
        """Let a lost job wait for another attempt; after `max_attempts` losses it has failed."""
        if self._stopping():
            self._writer.lose_attempt(job.trial, job.rung, token=job.token, error="stopped")
            return
        self._losses[job.trial, job.rung] += 1
        losses = self._losses[job.trial, job.rung]
        self._observer.job_lost(job, error, losses)
        if losses >= self._sweep.resources.max_attempts:
            message = f"{error}, {losses} times"
            self.record(job, JobResult(status="failed", score=None, error=message))
            return
        self._writer.lose_attempt(job.trial, job.rung, token=job.token, error=error)
        self.bracket.release(job.trial)
        wait = BACK_OFF_S[min(losses, len(BACK_OFF_S)) - 1]
        self._not_before = time.monotonic() + wait

    def _decide(self, outcome: Outcome) -> tuple[Decision, ...]:
        decisions = self.bracket.record(outcome)
        self._mirror_verdicts(decisions)
        return decisions

    def _mirror_verdicts(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if decision.verdict != "promoted":
                self._mirror.end(decision.trial, decision.verdict, decision.reason)

    def _job(self, slot: BracketJob) -> Job:
        token = secrets.token_hex(8)
        rung, halving = slot.rung, self._sweep.halving
        final = rung == self.bracket.ladder.rungs[-1]
        warm = halving.continue_ == "warm"
        return Job(
            trial=slot.trial,
            rung=rung.number,
            token=token,
            params=self._trials[slot.trial],
            settings=self._sweep.training,
            sample=Sample(self._sweep.data, rung.images, self._sweep.seed),
            fraction=rung.fraction,
            score=halving.score,
            out=self._runs / f"trial-{slot.trial:04d}" / f"rung-{rung.number}" / token,
            final=final,
            keep_weights=final or warm,
            init_from=self._weights.get(slot.trial) if warm and rung.number else None,
            gpus=self._sweep.resources.gpus_per_trial,
        )


def _attributes(
    rung: int, images: int, found: JobResult | JobRow, miou: Mapping[str, float | None]
) -> dict[str, int | float | None]:
    """Return what the dashboard shows beside a trial's scores, of its highest rung so far."""
    return {
        "rung": rung,
        "images": images,
        "kept_epoch": found.kept_epoch or 0,
        "seconds": round(found.seconds or 0.0, 3),
        "trainable_parameters": found.trainable_parameters or 0,
        **{f"{split}_miou": value for split, value in miou.items()},
    }
