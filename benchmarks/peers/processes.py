"""Runs a command and counts the CPU time of all that it starts, also of what it leaves behind."""

import ctypes
import os
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
LEFT_S = 60
"""How long processes that outlive the command are awaited."""


@dataclass(frozen=True)
class Used:
    """What a command used."""

    wall_s: float
    cpu_s: float

    def to_json(self) -> dict[str, float]:
        """Return it in whole seconds."""
        return {"wall_s": round(self.wall_s), "cpu_s": round(self.cpu_s)}


def run(command: list[str], *, cwd: Path, env: dict[str, str], log: Path) -> Used:
    """Run a command to its end, and wait for all processes that it started. Linux only.

    Raises:
        RuntimeError: it failed, or a process that it started does not end.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    cpu, wall = _children_cpu(), time.monotonic()
    with log.open("w") as out:
        code = subprocess.run(command, cwd=cwd, env=env, stdout=out, stderr=out).returncode
    wall = time.monotonic() - wall
    _await_orphans()
    if code:
        raise RuntimeError(f"exit code {code}: see {log}")
    return Used(wall, _children_cpu() - cpu)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _await_orphans() -> None:
    until = time.monotonic() + LEFT_S
    while time.monotonic() < until:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.1)
        except ChildProcessError:
            return
    raise RuntimeError("a process that the tuner started does not end")
