"""Runs one job in several processes of this machine.

The calling process trains nothing. It starts the workers, passes on the epochs that the first one
reports, and ends all workers when one dies or a stop is requested. So it never blocks inside torch
on a dead process, and no worker outlives it.
"""

import atexit
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path

import torch

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.core.results import EpochRecord, JobResult
from searchctl.trainer.core.stopping import Stop
from searchctl.trainer.ddp.process import WorkerProcess
from searchctl.trainer.ddp.worker import WorkerTask
from searchctl.trainer.run.job import TrialJob

POLL_INTERVAL_S = 0.2
"""Seconds between two checks for a stop request."""
GRACE_S = 5.0
"""Seconds that the other workers have to report after one fails. When two fail together, the
result then names the cause and not its consequence."""

OnEpoch = Callable[[EpochRecord], None]


def run_distributed(
    job: TrialJob,
    processes: int,
    *,
    on_epoch: OnEpoch | None = None,
    stop: Stop | None = None,
) -> JobResult:
    """Run a job in several processes; each has its own GPU, or all use the CPU.

    The workers stay alive for the next job, unless the job ended by an error of the machine.

    Args:
        job: what to train. Its device is 'cpu' or 'cuda'; None: 'cuda' if a GPU is available.
        processes: number of processes.
        on_epoch: as in `run_job`.
        stop: as in `run_job`, but called several times a second. Once it returns True, all workers
            are killed.

    Returns:
        The result of the job; its status is 'lost' if a process died.

    Raises:
        SettingsError: there are fewer GPUs than processes.
    """
    gpus = _gpus(processes, job.device)
    workers = _ready(gpus)
    on_device = replace(job, device="cuda" if gpus[0] else "cpu")
    try:
        with tempfile.TemporaryDirectory(prefix="searchctl-") as folder:
            rendezvous_file = str(Path(folder) / "processes")
            for worker in workers:
                task = WorkerTask(worker.rank, processes, rendezvous_file, on_device)
                worker.start_job(task)
            return _result(workers, on_epoch or _ignore_epoch, stop or _never)
    finally:
        if all(worker.is_reusable for worker in workers):
            _idle_workers[gpus] = workers
        else:
            _end(workers)


Gpus = tuple[str | None, ...]
"""The GPU of each process, in the form of CUDA_VISIBLE_DEVICES; None on a CPU."""
_idle_workers: dict[Gpus, list[WorkerProcess]] = {}
"""Workers between two jobs. They are reused, since starting a process takes seconds."""


def _ready(gpus: Gpus) -> list[WorkerProcess]:
    waiting = _idle_workers.pop(gpus, [])
    if waiting and all(worker.is_reusable for worker in waiting):
        return waiting
    _end(waiting)
    return [WorkerProcess(rank, gpus) for rank in range(len(gpus))]


@atexit.register
def end_idle_workers() -> None:
    """End the idle workers; the next job starts new ones."""
    while _idle_workers:
        _end(_idle_workers.popitem()[1])


def _end(workers: Sequence[WorkerProcess]) -> None:
    for worker in workers:
        worker.kill()


def _ignore_epoch(record: EpochRecord) -> None:
    pass


def _never() -> bool:
    return False


def _result(workers: Sequence[WorkerProcess], on_epoch: OnEpoch, stop: Stop) -> JobResult:
    """Receive the reports of all workers until the job ends."""
    leave_at = float("inf")
    while running := [worker for worker in workers if not worker.is_finished]:
        if stop():
            # `run_distributed` kills the workers: none has a result, so none is reusable
            return JobResult(status="stopped", score=None)
        if time.monotonic() > leave_at:
            break
        ready = wait([worker.connection for worker in running], POLL_INTERVAL_S)
        for worker in (each for each in running if each.connection in ready):
            record = worker.receive()
            if record is not None and worker.rank == 0:
                on_epoch(record)
            if not worker.is_healthy:
                leave_at = min(leave_at, time.monotonic() + GRACE_S)
    return _combined_result(workers)


def _combined_result(workers: Sequence[WorkerProcess]) -> JobResult:
    """Return the first worker's result, with the most telling failure of any worker.

    A dead worker comes before an error, and an error before 'lost', which is often a consequence.
    """
    first = workers[0].result or JobResult(status="lost", score=None)
    ends = [JobResult("lost", None, error=each.death) for each in workers if each.death]
    results = [worker.result for worker in workers if worker.result is not None]
    ends += [result for result in results if result.status not in ("complete", "lost")]
    ends += [result for result in results if result.status == "lost"]
    # only the first cause counts; the other fields come from the first process
    for cause in ends:
        return replace(
            first,
            status=cause.status,
            error=cause.error,
            batch_statistics=cause.batch_statistics,
            score=None,
        )
    return first


def _gpus(processes: int, device: str | None) -> Gpus:
    if device == "cpu" or (device is None and not torch.cuda.is_available()):
        return (None,) * processes
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = named.split(",") if named else [*map(str, range(torch.cuda.device_count()))]
    if len(gpus) < processes:
        raise SettingsError(
            f"{processes} processes need one GPU each, but this machine has {len(gpus)}: lower "
            "resources.gpus_per_trial"
        )
    return tuple(gpus[:processes])
