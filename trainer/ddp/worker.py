"""What each process of a process group runs: jobs, told of by the process that started it."""

import os
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

import torch
import torch.distributed as dist

from searchctl.trainer.core.results import EpochRecord, JobResult
from searchctl.trainer.ddp.group import TorchProcessGroup

COLLECTIVE_TIMEOUT = timedelta(days=7)
"""How long processes wait for each other: a long time, since who started them ends them all
when one is gone. The first one may be writing a checkpoint to a slow place, or drawing."""


@dataclass(frozen=True)
class WorkerJob:
    """A job, and which process of how many this one is."""

    rank: int
    size: int
    rendezvous_file: str
    """File by which the processes find each other."""
    device: str
    """'cpu' or 'cuda': the one GPU that this process sees."""
    arguments: tuple[Any, ...]
    """Of `run_job`."""
    keywords: Mapping[str, Any]


def main() -> None:
    """Run the jobs that come over the connection, of which the file descriptor is given."""
    connection = Connection(int(sys.argv[1]))
    jobs: SimpleQueue[WorkerJob] = SimpleQueue()
    threading.Thread(target=_listen, args=[connection, jobs], daemon=True).start()
    while True:
        connection.send(_result(jobs.get(), connection))


def _result(job: WorkerJob, connection: Connection) -> JobResult:
    from searchctl.trainer.run.trial import run_job

    def tell(record: EpochRecord) -> None:
        connection.send(record)

    try:
        with _process_group(job):
            return run_job(
                *job.arguments,
                **job.keywords,
                device=job.device,
                on_epoch=tell,
                process_group=TorchProcessGroup(),
            )
    except Exception:
        return JobResult(status="failed", score=None, error=traceback.format_exc())


@contextmanager
def _process_group(job: WorkerJob) -> Iterator[None]:
    """Be connected to the other processes."""
    on_gpu = job.device == "cuda"
    dist.init_process_group(
        # what is no tensor travels by way of the CPU
        "cpu:gloo,cuda:nccl" if on_gpu else "gloo",
        init_method=f"file://{job.rendezvous_file}",
        rank=job.rank,
        world_size=job.size,
        timeout=COLLECTIVE_TIMEOUT,
        device_id=torch.device("cuda", 0) if on_gpu else None,
    )
    try:
        yield
    finally:
        dist.destroy_process_group()


def _listen(connection: Connection, jobs: "SimpleQueue[WorkerJob]") -> None:
    """Take jobs; end this process at once when the one that started it is gone, however it went."""
    try:
        while True:
            jobs.put(connection.recv())
    except (EOFError, OSError):
        os._exit(1)


if __name__ == "__main__":
    main()
