"""The hardware that a job's numbers depend on."""

import platform
import re
from pathlib import Path

import torch


def hardware_of(device: torch.device) -> str:
    """Return the model of a GPU; or that of the CPU, with the instructions that torch uses.

    Two CPUs of equal names and instructions round alike; others may not.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_cpu_model()}, {torch.backends.cpu.get_cpu_capability()}"


def _cpu_model() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux
        described = ""
    found = re.search(r"^model name\s*:\s*(.+)$", described, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()
