"""What the queries return: one frozen record per table row, with the table's own names."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Literal

from searchctl.orchestrator.halving.job_key import JobKey, Kind
from searchctl.trainer.core.results import EpochRecord

SweepState = Literal["RUNNING", "COMPLETE", "STOPPED", "FAIL"]
DesiredState = Literal["RUNNING", "STOPPED"]
"""What the user wants of the driver."""
TrialState = Literal["WAITING", "RUNNING", "COMPLETE", "PRUNED", "FAIL"]
JobState = Literal["WAITING", "RUNNING", "COMPLETE", "DIVERGED", "FAIL"]
"""WAITING: its worker was lost or stopped, and it will be tried again."""

AttemptOutcome = Literal["complete", "diverged", "failed", "lost", "stopped"]
"""How a try at a job ended. lost: by an error of the machine; counts towards `max_attempts`.
stopped: asked to leave, or its driver died; does not count."""

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
    desired_state: DesiredState
    driver: str | None
    """Who drives it now, host and process; None if no driver holds a lease that has not expired."""
    source: str
    """The sweep file that was launched, absolute; empty if it was no file."""
    spec: dict[str, Any]
    spec_hash: str
    direction: Literal["maximize", "minimize"]
    ladder: list[dict[str, Any]]
    versions: dict[str, str]
    """Of the packages that compute it, and of Python."""
    classes: list[str]
    data_fingerprint: str
    initial_files: dict[str, dict[str, str]]
    """What its trials begin with: a setting as it is written -> the values of an InitialFile."""
    created_at: datetime
    ended_at: datetime | None
    error: str | None
    waiting: dict[str, Any] | None = None
    """What jobs wait for that have no room to begin (waiting.py), if a driver is at work."""

    @property
    def shown_state(self) -> str:
        """The state; INTERRUPTED for a sweep that was never ended and that nobody drives."""
        return "INTERRUPTED" if self.state == "RUNNING" and self.driver is None else self.state


@dataclass(frozen=True)
class TrialRow:
    """One configuration."""

    number: int
    params: dict[str, Any]
    params_hash: str
    """`Params.fingerprint` of the params, as it was at the launch."""
    state: TrialState


@dataclass(frozen=True)
class JobRow:
    """One trial at one rung, on the ladder or after it."""

    trial: int
    rung: int
    kind: Kind
    repeat: int
    fraction: Fraction
    images: int
    state: JobState
    score: float | None
    kept_epoch: int | None
    seconds: float | None
    gpu_seconds: float | None
    images_seen: int | None
    peak_memory_bytes: int | None
    device: str | None
    threads: int | None
    trainable_parameters: int | None
    latency_ms: float | None
    """Of one image, on the job's device: see trainer/evaluation/scoring.py."""
    initial_weights: str
    """What it began with, for people; empty if it has not come to tell."""
    weights: str | None
    features: str | None
    """Picture of the network's last features, of a finalist that was asked for it."""
    evaluations: dict[str, dict[str, Any]] | None
    error: str | None


@dataclass(frozen=True)
class AttemptPlace:
    """Where an attempt belongs: its directory follows from it."""

    sweep: str
    runs: str
    """Directory or URL below which each sweep has its directory."""
    job: JobKey


@dataclass(frozen=True)
class AttemptRow:
    """One try at a job."""

    trial: int
    rung: int
    kind: Kind
    repeat: int
    number: int
    token: str
    worker: str | None
    """host:pid of the process that it ran in."""
    started_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    """None while it is open."""
    first_epoch: int | None
    """The epoch that it began with; above 1 if it went on from a checkpoint."""
    gpus: float | None
    """GPUs that were set aside for it."""
    error: str | None


@dataclass(frozen=True, kw_only=True)
class EpochRow(EpochRecord):
    """One epoch of one job."""

    rung: int
    kind: Kind
    repeat: int


@dataclass(frozen=True)
class EventRow:
    """Something that happened to a sweep as a whole."""

    at: datetime
    kind: str
    detail: dict[str, Any]
