"""Durations and results of simulated jobs: functions of trial and rung, never of the worker.

A score follows a power law of learning curves: error = floor + scale * images ** -rate. Each trial
has its own three parameters, and each job its own noise. So the ranks on a small sample predict
those on a large one, but not perfectly.
"""

import math
import random
from dataclasses import dataclass

import numpy as np

from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.trainer.core.results import EpochRecord, Evaluation, ImageCounts, JobResult


@dataclass(frozen=True)
class Training:
    """An invented network, data set and GPU."""

    seed: int = 0
    seconds_per_image: float = 0.25
    """Seconds of the median trial on a GPU of speed 1."""
    start_s: float = 15.0
    """Seconds until the first epoch of a job on a warm worker, for network and data."""
    spread: float = 0.5
    """Standard deviation of the natural logarithm of the trials' costs."""
    noise: float = 0.01
    """Standard deviation of a score; the trials' floors differ by about 0.4."""
    diverging: float = 0.02
    """Share of the trials that diverge on every rung."""
    val_images: int = 0
    """Number of validation images in the counts of each result."""
    classes: int = 19

    def epoch_seconds(self, job: JobAttempt) -> float:
        """Return the seconds of an epoch on a GPU of speed 1; a fifth of them is validation."""
        cost = math.exp(self._of("cost", job.trial).gauss(0, self.spread))
        return self.seconds_per_image * 1.25 * job.sample.images * cost

    def score(self, job: JobAttempt) -> float | None:
        """Return the job's score; None if its trial diverges."""
        own = self._of("curve", job.trial)
        if own.random() < self.diverging:
            return None
        floor, scale = 0.2 + 0.4 * own.betavariate(2, 3), own.uniform(0.5, 3.0)
        error = floor + scale * job.sample.images ** -own.uniform(0.3, 0.6)
        return max(0.0, 1 - error + self._of("noise", job.trial, job.rung).gauss(0, self.noise))

    def record(self, job: JobAttempt, epoch: int) -> EpochRecord:
        """Return the record of an epoch."""
        seconds = self.epoch_seconds(job)
        return EpochRecord(
            epoch, 1 / epoch, 0.01, job.sample.images, seconds, 1 / epoch, self.score(job)
        )

    def result(self, job: JobAttempt, first_epoch: int) -> JobResult:
        """Return the result of a job, as large as a real one."""
        score, epochs = self.score(job), job.settings.epochs
        if score is None:
            return JobResult("diverged", None, error="the loss is nan in epoch 1")
        each = (score,) * self.classes
        evaluation = Evaluation(1 - score, score, score, score, each, each)
        return JobResult(
            "complete",
            score,
            first_epoch=first_epoch,
            kept_epoch=epochs,
            epochs=tuple(self.record(job, epoch) for epoch in range(1, epochs + 1)),
            evaluations={"val": evaluation, "train": evaluation},
            image_counts=self._counts(job) if self.val_images else None,
            seconds=self.epoch_seconds(job) * epochs,
            gpu_seconds=self.epoch_seconds(job) * epochs,
            images_seen=job.sample.images * epochs,
            peak_memory_bytes=10**9,
            device="simulated",
            threads=1,
            trainable_parameters=10**6,
            initial_weights="fresh weights",
            sample_hash="0" * 16,
            data_fingerprint="0" * 16,
        )

    def _counts(self, job: JobAttempt) -> ImageCounts:
        """Return counts of images of a million pixels with a few classes each."""
        rng = np.random.default_rng((self.seed, job.trial, job.rung))
        shape = (self.val_images, self.classes, 3)
        there = rng.random(shape) < 0.3
        counts = (there * rng.integers(0, 200_000, shape)).astype(np.uint32)
        pixels = np.full(self.val_images, 10**6, np.int64)
        return ImageCounts(counts, rng.random(self.val_images) * 1e6, pixels)

    def _of(self, *what: object) -> random.Random:
        return random.Random(f"{self.seed} {what}")
