"""A job as it travels to a worker: all that one trial at one rung needs, and how to run it."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from upath import UPath

from searchctl.orchestrator.halving.job_key import Kind
from searchctl.searchspace import Params
from searchctl.trainer.core.errors import is_missing_own_code
from searchctl.trainer.core.results import EpochRecord, JobResult, JobStatus
from searchctl.trainer.data.settings import Sample
from searchctl.trainer.settings.inference import Inference
from searchctl.trainer.settings.training import Score, TrainSettings

OnEpoch = Callable[[EpochRecord], None]
Stop = Callable[[], bool]
"""Asked often; true once the job, or the sweep, must end now."""
Runner = Callable[["Job", OnEpoch, Stop], JobResult]
"""Runs a job to its end; `train` below, or a quick one in tests and benchmarks."""


@dataclass(frozen=True)
class Job:
    """One attempt at one trial at one rung, complete in itself."""

    trial: int
    rung: int
    token: str
    """Names this attempt: results carry it, and so does the path that it writes to."""
    params: Params
    settings: TrainSettings
    sample: Sample
    fraction: Fraction
    score: Score
    out: UPath
    """Directory of this attempt alone: a lost one that still runs overwrites nothing."""
    resume_from: tuple[UPath, ...]
    """Directories of earlier attempts at this job; their newest checkpoint is gone on from."""
    final: bool
    """Of a finalist: the test split and the labels' original size are scored too."""
    inference: Inference
    """How a final job predicts images at their labels' original size."""
    features: bool
    """Whether to draw the validation images as the classifier sees them."""
    keep_weights: bool
    init_from: UPath | None
    """Weights to begin with (`continue: warm`, or `init: checkpoint:..`); None begins afresh."""
    encoder_from: UPath | None
    """File of the encoder's pretrained weights, in place of a download."""
    gpus: float
    masks: int | tuple[str, ...] = 0
    """So many validation images, or those of these names, whose predicted masks are drawn."""
    processes: int = 1
    """How many processes of one node train it together, each on a GPU of its own, if it has any."""
    stall_timeout_s: float | None = None
    """Seconds without a batch after which its worker ends; None waits for ever."""
    kind: Kind = "ladder"
    repeat: int = 0


def train(job: Job, on_epoch: OnEpoch, stop: Stop) -> JobResult:
    """Train the job's network. Raises nothing that is foreseen: every such end is a result."""
    from searchctl.trainer import run_distributed, run_job

    run = run_job if job.processes == 1 else partial(run_distributed, job.processes)
    return run(
        job.params,
        job.settings,
        job.sample,
        rung=job.rung,
        out=job.out,
        score=job.score,
        final=job.final,
        inference=job.inference,
        features=job.features,
        masks=job.masks,
        keep_weights=job.keep_weights,
        init_from=job.init_from,
        encoder_from=job.encoder_from,
        resume_from=job.resume_from,
        device=None if job.gpus else "cpu",
        on_epoch=on_epoch,
        stop=stop,
        stall_timeout_s=job.stall_timeout_s,
    )


def run_safely(runner: Runner, job: Job, on_epoch: OnEpoch, stop: Stop) -> JobResult:
    """Run a job; an unforeseen error is a result with its traceback, not a dead worker."""
    try:
        return runner(job, on_epoch, stop)
    except Exception as error:
        status: JobStatus = "lost" if is_missing_own_code(error) else "failed"
        return JobResult(status, None, error=traceback.format_exc())
