"""The program of a worker process: it runs the jobs that the launcher sends."""

import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from queue import SimpleQueue

import torch
import torch.distributed as dist

from searchctl.trainer.core.results import EpochRecord, JobResult
from searchctl.trainer.ddp.group import TorchProcessGroup
from searchctl.trainer.run.job import TrialJob

COLLECTIVE_TIMEOUT = timedelta(days=7)
"""Timeout of collective operations. It is long, since the launcher ends all processes when one
dies, and the first process may write a checkpoint to slow storage, or draw a picture, meanwhile."""


@dataclass(frozen=True)
class WorkerTask:
    """A job, and the rank of the process that runs a part of it."""

    rank: int
    size: int
    rendezvous_file: str
    """File through which the processes connect (`init_method` of torch.distributed)."""
    job: TrialJob
    """Its device is 'cpu', or 'cuda' for the one GPU that this process sees."""


def main() -> None:
    """Run the jobs that arrive over the connection; its file descriptor is the first argument."""
    connection = Connection(int(sys.argv[1]))
    jobs: SimpleQueue[WorkerTask] = SimpleQueue()
    threading.Thread(target=_listen, args=[connection, jobs], daemon=True).start()
    while True:
        connection.send(_result(jobs.get(), connection))


def _result(task: WorkerTask, connection: Connection) -> JobResult:
    from searchctl.trainer.run.trial import run_job

    def send(record: EpochRecord) -> None:
        connection.send(record)

    try:
        with _process_group(task):
            return run_job(task.job, on_epoch=send, process_group=TorchProcessGroup())
    except Exception:
        return JobResult(status="failed", score=None, error=traceback.format_exc())


@contextmanager
def _process_group(task: WorkerTask) -> Iterator[None]:
    """Join the process group of the job while the block runs."""
    on_gpu = task.job.device == "cuda"
    dist.init_process_group(
        # gloo too, since NCCL cannot send Python objects from the CPU
        "cpu:gloo,cuda:nccl" if on_gpu else "gloo",
        init_method=f"file://{task.rendezvous_file}",
        rank=task.rank,
        world_size=task.size,
        timeout=COLLECTIVE_TIMEOUT,
        device_id=torch.device("cuda", 0) if on_gpu else None,
    )
    try:
        yield
    finally:
        dist.destroy_process_group()


def _listen(connection: Connection, jobs: "SimpleQueue[WorkerTask]") -> None:
    """Queue the jobs that arrive; exit at once when the launcher is gone.

    A killed launcher cannot end its workers. Its connection closes in any case.
    """
    try:
        while True:
            jobs.put(connection.recv())
    except (EOFError, OSError):
        os._exit(1)


if __name__ == "__main__":
    main()
