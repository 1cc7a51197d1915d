"""A worker process, as the launcher sees it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Pipe

import torch

from searchctl.trainer.core.results import EpochRecord, JobResult
from searchctl.trainer.ddp.worker import WorkerTask

END_S = 5.0
"""Seconds that a process has to exit after its connection closes."""


class WorkerProcess:
    """A process that runs jobs one after another; it exits together with its parent.

    Attributes:
        rank: its number in the process group.
        connection: carries its epochs and its result.
        result: the result of its part of the job; None until the job ends.
        death: how the process died before a result, in words; None if it did not.
    """

    def __init__(self, rank: int, gpus: Sequence[str | None]) -> None:
        """Start the process, on the GPU of its rank if the process group has GPUs."""
        self.rank = rank
        self.result: JobResult | None = None
        self.death: str | None = None
        self.connection, theirs = Pipe()
        # not by multiprocessing's spawn: it would import the caller's main module again
        command = [sys.executable, "-P", "-m", "searchctl.trainer.ddp.worker", str(theirs.fileno())]
        self._process = subprocess.Popen(
            command,
            env=_environment(gpus[rank], of=len(gpus)),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()  # an open copy here would hide the end of the connection when it dies

    @property
    def is_finished(self) -> bool:
        """Whether the process will report nothing more about the job."""
        return self.result is not None or self.death is not None

    @property
    def is_healthy(self) -> bool:
        """Whether the process has reported no failure."""
        return self.death is None and (self.result is None or self.result.status == "complete")

    @property
    def is_reusable(self) -> bool:
        """Whether the process can run another job: it is alive, and had no error of the machine."""
        if self.result is None or self.result.status not in ("complete", "diverged", "failed"):
            return False
        return self._process.poll() is None

    def start_job(self, task: WorkerTask) -> None:
        """Send a job to the process."""
        self.result = None
        try:
            self.connection.send(task)
        except OSError:
            self._note_death()

    def receive(self) -> EpochRecord | None:
        """Receive the next report; return it if it is an epoch, and keep it if it is the result."""
        try:
            report = self.connection.recv()
        except (EOFError, OSError):
            self._note_death()
            return None
        if isinstance(report, JobResult):
            self.result = report
            return None
        epoch: EpochRecord = report
        return epoch

    def kill(self) -> None:
        """Kill the process at once."""
        with self._process, self.connection:
            self._process.kill()

    def _note_death(self) -> None:
        try:
            code = self._process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            end = "does not respond"
        else:
            end = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        self.death = f"process {self.rank} of the job {end}"


def _environment(gpu: str | None, of: int) -> dict[str, str]:
    """Return the environment of one of `of` processes."""
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), None)
    here = {"GLOO_SOCKET_IFNAME": loopback, "NCCL_SOCKET_IFNAME": loopback} if loopback else {}
    return {
        **os.environ,
        **here,  # the processes communicate over the loopback only; no port is open to others
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        # the processes share the threads of the job
        "OMP_NUM_THREADS": str(max(1, torch.get_num_threads() // of)),
        **({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}),
    }
