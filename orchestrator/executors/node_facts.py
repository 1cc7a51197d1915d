"""Facts about a machine. It runs on every node of a cluster, so it imports little."""

import platform
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from searchctl.orchestrator.config.fingerprint import installed

PACKAGES = ("searchctl", "torch", "ray")
_NVIDIA = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class NodeFacts:
    """One node, as it describes itself."""

    python: str
    packages: dict[str, str]
    """Versions of the installed ones."""
    gpus: int
    """In the machine or container, including those that Ray or $CUDA_VISIBLE_DEVICES hides."""
    disk_free: int
    """Bytes, where temporary files are written."""
    clock: float
    """Seconds since 1970."""


def node_facts() -> NodeFacts:
    """Return the facts of the machine that this runs on."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    return NodeFacts(platform.python_version(), _versions(), gpus_of_machine(), free, time.time())


def gpus_of_machine() -> int:
    """Count NVIDIA's GPUs without torch, which sees only those that a process was assigned."""
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return len(list(_NVIDIA.iterdir())) if _NVIDIA.is_dir() else 0
    return sum(line.startswith("GPU ") for line in done.stdout.splitlines())


def _versions() -> dict[str, str]:
    found = ((package, installed(package)) for package in PACKAGES)
    return {package: version for package, version in found if version}
