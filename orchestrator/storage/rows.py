"""What the queries return: one frozen record per table row, with the table's own names."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Literal

SweepState = Literal["RUNNING", "COMPLETE", "STOPPED", "FAIL"]
TrialState = Literal["WAITING", "RUNNING", "COMPLETE", "PRUNED", "FAIL"]
JobState = Literal["WAITING", "RUNNING", "COMPLETE", "DIVERGED", "FAIL"]
"""WAITING: its worker was lost or stopped, and it will be tried again."""

JOB_STATES: dict[str, JobState] = {
    "complete": "COMPLETE",
    "diverged": "DIVERGED",
    "failed": "FAIL",
}
"""What a job becomes by its result's status."""


@dataclass(frozen=True)
class SweepRow:
    """One launched sweep."""

    id: int
    name: str
    state: SweepState
    source: str
    """The sweep file that was launched, absolute; empty if it was no file."""
    spec: dict[str, Any]
    spec_hash: str
    direction: Literal["maximize", "minimize"]
    ladder: list[dict[str, Any]]
    classes: list[str]
    data_fingerprint: str
    created_at: datetime
    ended_at: datetime | None
    error: str | None


@dataclass(frozen=True)
class TrialRow:
    """One configuration."""

    number: int
    params: dict[str, Any]
    state: TrialState


@dataclass(frozen=True)
class JobRow:
    """One trial at one rung."""

    trial: int
    rung: int
    fraction: Fraction
    images: int
    state: JobState
    score: float | None
    kept_epoch: int | None
    seconds: float | None
    gpu_seconds: float | None
    images_seen: int | None
    device: str | None
    threads: int | None
    trainable_parameters: int | None
    weights: str | None
    evaluations: dict[str, dict[str, Any]] | None
    error: str | None


@dataclass(frozen=True)
class AttemptRow:
    """One try at a job."""

    trial: int
    rung: int
    number: int
    started_at: datetime
    ended_at: datetime | None
    error: str | None


@dataclass(frozen=True)
class EpochRow:
    """One epoch of one job."""

    rung: int
    epoch: int
    train_loss: float | None
    val_loss: float | None
    val_miou: float | None
    lr: float
    images: int
    seconds: float
