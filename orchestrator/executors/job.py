"""One attempt at a job as it travels to a worker, and how the worker runs it."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from searchctl.orchestrator.halving.job_key import Kind
from searchctl.trainer.core.errors import is_missing_own_code
from searchctl.trainer.core.results import EpochRecord, JobResult, JobStatus
from searchctl.trainer.run.job import TrialJob

OnEpoch = Callable[[EpochRecord], None]
Stop = Callable[[], bool]
"""Called often; returns True once the job, or the sweep, must end."""
Runner = Callable[["JobAttempt", OnEpoch, Stop], JobResult]
"""Runs a job to its end; `train` below, or a quick one in tests and benchmarks."""


@dataclass(frozen=True, kw_only=True)
class JobAttempt(TrialJob):
    """One attempt at a job: what is trained, its name in the sweep, and its resources."""

    trial: int
    rung: int
    """Level of the ladder."""
    token: str
    """Names this attempt. Its result carries the token, and so does the path of its files: an
    attempt that was replaced and still runs can neither report nor overwrite anything."""
    fraction: Fraction
    """Share of the training images."""
    kind: Kind = "ladder"
    repeat: int = 0
    gpus: float = 0
    """GPUs that are set aside for it."""
    content_hash: str | None = None
    """Hash of all that its numbers depend on; None where that is not known."""
    processes: int = 1
    """Number of processes that train it on one node, each on its own GPU if it has GPUs."""


def train(job: JobAttempt, on_epoch: OnEpoch, stop: Stop) -> JobResult:
    """Train the job's network. Raises no foreseen error: it is a result."""
    if job.script is not None:
        from searchctl.trainer.script.run import run_script

        return run_script(job, gpus=job.gpus, on_epoch=on_epoch, stop=stop)
    from searchctl.trainer import run_distributed, run_job

    if job.processes == 1:
        return run_job(job, on_epoch=on_epoch, stop=stop)
    return run_distributed(job, job.processes, on_epoch=on_epoch, stop=stop)


def leave_idle() -> None:
    """Make the process of a worker small between two jobs."""
    if "torch" in sys.modules:  # not for a script of the user's own
        from searchctl.trainer.core.machine.memory import release_unused

        release_unused()


def run_safely(runner: Runner, job: JobAttempt, on_epoch: OnEpoch, stop: Stop) -> JobResult:
    """Run a job; an unforeseen error is a result with its traceback, not a dead worker."""
    try:
        return runner(job, on_epoch, stop)
    except Exception as error:
        status: JobStatus = "lost" if is_missing_own_code(error) else "failed"
        return JobResult(status, None, error=traceback.format_exc())
