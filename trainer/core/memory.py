"""The most memory that a job held: of the GPU, or of the process where it runs on the CPU."""

import re
from pathlib import Path

import torch

_PROC = Path("/proc/self")


def reset_peak(device: torch.device) -> None:
    """Begin to measure anew: a worker process runs many jobs."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif _PROC.exists():
        # Linux: 5 sets the peak of the resident memory to what is resident now (man 5 proc)
        (_PROC / "clear_refs").write_text("5")


def peak_bytes(device: torch.device) -> int:
    """Return the most bytes since `reset_peak`.

    On a GPU, those that torch held on it; on a CPU, the process's resident memory with all of its
    libraries, on Linux alone: elsewhere 0.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if not _PROC.exists():
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB$", (_PROC / "status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
