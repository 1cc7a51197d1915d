"""A process of a process group, seen from the one that started it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Pipe

import torch

from searchctl.trainer.core.results import EpochRecord, JobResult
from searchctl.trainer.ddp.worker import WorkerJob

END_S = 5.0
"""Seconds in which a process that closed its connection is gone."""


class WorkerProcess:
    """A process that runs jobs, one after another; it ends with the one that started it.

    Attributes:
        rank: its number in the process group.
        connection: over which it tells of epochs and of its end.
        result: what its part in the job came to, when it is over.
        death: how it ended before that, in words.
    """

    def __init__(self, rank: int, gpus: Sequence[str | None]) -> None:
        """Start it, on the GPU of its number, if the process group has GPUs."""
        self.rank = rank
        self.result: JobResult | None = None
        self.death: str | None = None
        self.connection, theirs = Pipe()
        # not multiprocessing's spawn, which would import the caller's main module again
        command = [sys.executable, "-P", "-m", "searchctl.trainer.ddp.worker", str(theirs.fileno())]
        self._process = subprocess.Popen(
            command,
            env=_environment(gpus[rank], of=len(gpus)),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()  # else its end would not be heard

    @property
    def is_finished(self) -> bool:
        """Whether there will be no more news of the job."""
        return self.result is not None or self.death is not None

    @property
    def is_healthy(self) -> bool:
        """Whether nothing that it told ends the job."""
        return self.death is None and (self.result is None or self.result.status == "complete")

    @property
    def is_reusable(self) -> bool:
        """Whether it is ready for another job, and nothing of the machine went wrong."""
        if self.result is None or self.result.status not in ("complete", "diverged", "failed"):
            return False
        return self._process.poll() is None

    def start_job(self, job: WorkerJob) -> None:
        """Give it a job."""
        self.result = None
        try:
            self.connection.send(job)
        except OSError:
            self._note_death()

    def receive(self) -> EpochRecord | None:
        """Take its next news; return those of an epoch."""
        try:
            news = self.connection.recv()
        except (EOFError, OSError):
            self._note_death()
            return None
        if isinstance(news, JobResult):
            self.result = news
            return None
        epoch: EpochRecord = news
        return epoch

    def kill(self) -> None:
        """End it, whatever it is at."""
        with self._process, self.connection:
            self._process.kill()

    def _note_death(self) -> None:
        try:
            code = self._process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            end = "does not answer"
        else:
            end = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        self.death = f"process {self.rank} of the job {end}"


def _environment(gpu: str | None, of: int) -> dict[str, str]:
    """Return the environment of one of so many processes."""
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), None)
    here = {"GLOO_SOCKET_IFNAME": loopback, "NCCL_SOCKET_IFNAME": loopback} if loopback else {}
    return {
        **os.environ,
        **here,  # they talk within this machine, and listen to nobody else
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "OMP_NUM_THREADS": str(max(1, torch.get_num_threads() // of)),
        **({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}),
    }
