"""The device of a job, and torch's global state while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
import torch.utils.deterministic

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.settings.training import TrainSettings

_deterministic: Any = torch.utils.deterministic  # its switch is not in its stub


def choose_device(name: str | None) -> torch.device:
    """Return the named device; without a name the GPU if there is one, else the CPU.

    Raises:
        SettingsError: no such device here, or of a kind that is not supported.
    """
    device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    if device.type not in ("cpu", "cuda"):
        raise SettingsError(f"device '{name}' is not supported: use cpu or cuda")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SettingsError(f"device '{name}': this machine has {torch.cuda.device_count()} GPUs")
    return device


def describe(device: torch.device) -> str:
    """Return the device with the name of its hardware, if torch knows it."""
    if device.type == "cpu":
        return "cpu"
    return f"{device} ({torch.cuda.get_device_name(device)})"


@contextmanager
def own_torch_state(settings: TrainSettings, device: torch.device) -> Iterator[None]:
    """Run a job under its own torch state, then restore the process's state.

    A worker process runs many jobs: none may inherit threads, random numbers, or what own code
    switched, from the previous one. Deterministic algorithms are demanded on a CPU only; on a
    GPU, interpolation and cross entropy have none, and two runs differ by rounding.

    Args:
        settings: `threads` of a CPU; `tf32` and `cudnn_benchmark` of a GPU.
        device: of the job.
    """
    before = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    fill = _deterministic.fill_uninitialized_memory
    try:
        with (
            torch.random.fork_rng([device] if device.type == "cuda" else []),
            gpu_arithmetic(settings) if device.type == "cuda" else nullcontext(),
        ):
            torch.set_num_threads(settings.threads or before)
            torch.use_deterministic_algorithms(device.type == "cpu")
            # It would fill every new tensor with NaN first, which only debugging needs.
            _deterministic.fill_uninitialized_memory = False
            yield
    finally:
        torch.set_num_threads(before)
        torch.use_deterministic_algorithms(deterministic)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad)
        _deterministic.fill_uninitialized_memory = fill


@contextmanager
def gpu_arithmetic(settings: TrainSettings) -> Iterator[None]:
    """Compute on GPUs as `tf32` and `cudnn_benchmark` state, while the block runs."""
    tf32, benchmark = settings.tf32 is not False, settings.cudnn_benchmark is not False
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    try:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = tf32, tf32, benchmark
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = before


@contextmanager
def images_of_any_size() -> Iterator[None]:
    """Try no algorithms while the block runs: each new size of images would be tried for long."""
    before = torch.backends.cudnn.benchmark
    try:
        torch.backends.cudnn.benchmark = False
        yield
    finally:
        torch.backends.cudnn.benchmark = before
