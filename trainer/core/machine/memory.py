"""Peak memory of a job: on the GPU, or of the process where the job runs on a CPU."""

import gc
import re
from pathlib import Path

import torch

_PROC = Path("/proc/self")


def reset_peak(device: torch.device) -> None:
    """Start a new measurement; a worker process runs many jobs."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif _PROC.exists():
        # on Linux, writing 5 sets the peak to the current resident memory (man 5 proc)
        (_PROC / "clear_refs").write_text("5")


def peak_bytes(device: torch.device) -> int:
    """Return the peak memory in bytes since `reset_peak`.

    On a GPU, this is the memory that torch allocated there. On a CPU, it is the resident memory of
    the process, libraries included; 0 on systems other than Linux.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if not _PROC.exists():
        return 0
    # VmHWM: "high water mark" of the resident memory
    found = re.search(r"^VmHWM:\s+(\d+) kB$", (_PROC / "status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def free_bytes(device: torch.device) -> int:
    """Return the bytes of a GPU that no process has taken; 0 for a CPU."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0


def release_unused() -> None:
    """Give the GPU memory that torch holds for later jobs of this process back to other processes.

    A worker that waits for its next job may share its card.
    """
    gc.collect()
    torch.cuda.empty_cache()  # does nothing in a process without CUDA


def smallest_gpu_bytes(device: torch.device) -> int | None:
    """Return the memory of this machine's smallest GPU in bytes; None if the device is a CPU."""
    if device.type != "cuda":
        return None
    cards = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    return min(int(card.total_memory) for card in cards)
