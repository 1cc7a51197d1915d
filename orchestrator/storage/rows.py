"""Results of queries: one frozen record per table row, with the names of the columns."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Literal

from searchctl.orchestrator.draws.points import Origin
from searchctl.orchestrator.halving.job_key import JobKey, Kind
from searchctl.trainer.core.results import EpochRecord

SweepState = Literal["RUNNING", "COMPLETE", "STOPPED", "FAIL"]
DesiredState = Literal["RUNNING", "STOPPED"]
"""The state that the user requests of the driver."""
TrialState = Literal["WAITING", "RUNNING", "COMPLETE", "PRUNED", "FAIL"]
JobState = Literal["WAITING", "RUNNING", "COMPLETE", "DIVERGED", "FAIL"]
"""WAITING: its worker was lost or stopped; the job will be retried."""

AttemptOutcome = Literal["complete", "diverged", "failed", "lost", "stopped", "out_of_memory"]
"""How an attempt ended. lost: by an error of the machine; counts towards `max_attempts`. stopped:
on request, or because its driver died; does not count. out_of_memory: its job is tried again in
another way (driver/out_of_memory.py); does not count either."""

ESTIMATE = "forecast"
"""Kind of the event that holds the estimate of a probe at the launch."""

JOB_STATES: dict[str, JobState] = {
    "complete": "COMPLETE",
    "diverged": "DIVERGED",
    "failed": "FAIL",
}
"""State of a job by the status of its result."""


@dataclass(frozen=True)
class SweepRow:
    """One launched sweep."""

    id: int
    name: str
    state: SweepState
    desired_state: DesiredState
    driver: str | None
    """Host and process id of the driver; None if no driver holds an unexpired lease."""
    source: str
    """Absolute path of the launched sweep file; empty if there was none."""
    spec: dict[str, Any]
    spec_hash: str
    direction: Literal["maximize", "minimize"]
    ladder: list[dict[str, Any]]
    versions: dict[str, str]
    """Versions of the numerics packages and of Python."""
    classes: list[str]
    data_fingerprint: str
    initial_files: dict[str, dict[str, str]]
    """Initial weights of its trials: key in `InitialFiles` -> fields of an InitialFile."""
    created_at: datetime
    ended_at: datetime | None
    error: str | None
    waiting: dict[str, Any] | None = None
    """Resources that pending jobs wait for (core/pending.py), while a driver is running."""
    trials: int = 0
    """Number of trials of all cohorts, also of those that are not drawn yet."""
    retried: int = 0
    """Number of these trials that try a failed trial again."""
    cohorts: int = 1
    """Number of cohorts."""

    @property
    def points(self) -> int:
        """Number of points of its space that are trials."""
        return self.trials - self.retried

    @property
    def shown_state(self) -> str:
        """The state for users; INTERRUPTED for an unfinished sweep without a driver."""
        return "INTERRUPTED" if self.state == "RUNNING" and self.driver is None else self.state


@dataclass(frozen=True)
class TrialRow:
    """One configuration."""

    number: int
    params: dict[str, Any]
    params_hash: str
    """`Params.fingerprint` of the params at the launch."""
    state: TrialState
    cohort: int = 0
    origin: Origin = "random"


@dataclass(frozen=True)
class CohortRow:
    """One cohort of a sweep's trials: its ladder, and how its trials are drawn."""

    number: int
    request: int
    """0: requested by the launch; n: by the n-th extension."""
    requested_at: datetime
    trials: int
    """Number of requested trials; fewer are drawn if the space has no more points."""
    method: str
    settings: dict[str, Any]
    """The other search settings of its draw."""
    seed: int
    min_fraction: str | None
    ladder: list[dict[str, Any]]
    lag: int
    """It opens once all cohorts before the last `lag` ones are closed."""
    sources: list[int]
    """Numbers of the cohorts that it is drawn from."""
    retried: list[int]
    """Numbers of failed trials whose params it tries again."""
    drawn_at: datetime | None
    """None until it is drawn."""
    source_trials: list[int] | None
    """Numbers of the trials that it was drawn from."""
    versions: dict[str, str] | None
    """Versions of the packages that drew it."""


@dataclass(frozen=True)
class JobRow:
    """One job: a trial at a rung, on the ladder or in the follow-up."""

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
    """Inference latency for one image on the job's device: see trainer/evaluation/scoring.py."""
    initial_weights: str
    """Description of the initial weights; empty until the job reports it."""
    weights: str | None
    features: str | None
    """Path of the picture of embeddings, if the sweep requests it."""
    evaluations: dict[str, dict[str, Any]] | None
    error: str | None
    content_hash: str | None = None
    """Hash of all that its numbers depend on; None for jobs of earlier versions."""
    hardware: str | None = None
    """Model of the CPU, with the instructions in use, or of the GPU."""
    reused_from: dict[str, Any] | None = None
    """The job that it is a copy of: sweep, trial, rung, and its seconds."""
    batch: dict[str, int] | None = None
    """batch_size and accumulate in place of those of its settings, which ran out of memory."""


@dataclass(frozen=True)
class AttemptPlace:
    """Sweep and job of an attempt, from which its directory follows."""

    sweep: str
    runs: str
    """Directory or URL with a subdirectory for each sweep."""
    job: JobKey


@dataclass(frozen=True)
class AttemptRow:
    """One attempt at a job."""

    trial: int
    rung: int
    kind: Kind
    repeat: int
    number: int
    token: str
    worker: str | None
    """host:pid of its process."""
    started_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    """None while it is open."""
    first_epoch: int | None
    """Its first epoch; above 1 if it resumed from a checkpoint."""
    gpus: float | None
    """GPUs that were reserved for it."""
    error: str | None


@dataclass(frozen=True, kw_only=True)
class EpochRow(EpochRecord):
    """One epoch of one job."""

    rung: int
    kind: Kind
    repeat: int


@dataclass(frozen=True)
class ClassScoreRow:
    """The scores of one class on one split, by one job."""

    trial: int
    rung: int
    kind: Kind
    repeat: int
    split: str
    class_id: int
    iou: float | None
    accuracy: float | None


@dataclass(frozen=True)
class EventRow:
    """An event of a sweep as a whole."""

    at: datetime
    kind: str
    detail: dict[str, Any]
