"""Checks torch and the GPUs of this machine."""

import subprocess
from collections.abc import Iterator
from typing import Any

from searchctl.orchestrator.doctor.finding import About, Finding, error, ok, warning
from searchctl.orchestrator.executors.node_facts import gpus_of_machine


def check_devices(about: About) -> Iterator[Finding]:
    """Check that torch can use all GPUs, and that the sweep does not request more."""
    import torch

    there, usable = gpus_of_machine(), torch.cuda.device_count()
    for index in range(usable):
        yield ok("GPU", _described(torch, index))
    if there > usable:
        found = f"this machine has {there} GPUs, but torch {torch.__version__} can use {usable}"
        yield warning("GPU", found, _fix(torch))
    if not usable and not there:
        yield ok("GPU", f"none; torch {torch.__version__} on {torch.get_num_threads()} threads")
    asked = about.sweep.resources.gpus_per_trial if about.sweep else 0
    if asked > usable and about.address is None:
        fix = "name a cluster that has them (--address), or set resources.gpus_per_trial: 0"
        yield error("GPU", f"a trial requests {asked:g}, but torch can use {usable} here", fix)


def _described(torch: Any, index: int) -> str:
    about = torch.cuda.get_device_properties(index)
    free, total = torch.cuda.mem_get_info(index)
    bf16 = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "no bf16"
    driver = f", driver {version}" if (version := _driver()) else ""
    memory = f"{free / 1e9:.0f} of {total / 1e9:.0f} GB free"
    return f"{index}: {about.name}, {memory}, {bf16}, CUDA {torch.version.cuda}{driver}"


def _driver() -> str:
    """Return the version of NVIDIA's driver; empty if `nvidia-smi` is missing."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.split("\n")[0].strip()


def _fix(torch: Any) -> str:
    if torch.version.cuda is None:
        return "this torch has no CUDA: install a build with CUDA (see pytorch.org)"
    return (
        f"this torch is for CUDA {torch.version.cuda}: update the driver, give the container its "
        "GPUs (--gpus all), or check $CUDA_VISIBLE_DEVICES"
    )
