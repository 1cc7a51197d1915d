"""How a job ends early: by a stop request, a diverged loss or an error."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from searchctl.trainer.core.atomic_files import NoRoom
from searchctl.trainer.core.errors import CodeError, DataError, TrainerError, is_missing_own_code
from searchctl.trainer.core.results import JobStatus

Item = TypeVar("Item")
Stop = Callable[[], bool]
"""Returns True once a stop is requested; called before each batch."""

# torch raises a plain RuntimeError for some errors of the machine: memory that ran out outside of
# CUDA's allocator, or a lost process of the job's process group.
_MACHINE_ERRORS = re.compile(r"DefaultCPUAllocator|\bgloo\b|\bNCCL\b", re.IGNORECASE)
_GPU_MEMORY = re.compile(
    r"(CUBLAS|CUDNN)_STATUS_ALLOC_FAILED|CUDA (error: )?out of memory", re.IGNORECASE
)


class Stopped(Exception):
    """A stop was requested; the job left at the next batch."""


class Diverged(Exception):
    """The loss became NaN or infinite, so this configuration can no longer win."""


class TookTooLong(Exception):
    """The job took longer than it may."""


def within(timeout_s: float | None, seconds: Callable[[], float], stop: Stop) -> Stop:
    """Return what a job is to call instead of `stop`: it raises TookTooLong after the timeout.

    Args:
        timeout_s: seconds that the job may take; None: any number.
        seconds: returns how many it has taken.
        stop: whether the job must stop.
    """

    def checked_stop() -> bool:
        if timeout_s is not None and seconds() > timeout_s:
            raise TookTooLong(f"took longer than resources.trial_timeout, {timeout_s:g} s")
        return stop()

    return checked_stop


def until_stopped(batches: Iterable[Item], stop: Stop) -> Iterator[Item]:
    """Yield the batches until a stop is requested.

    Raises:
        Stopped: `stop()` was true before a batch.
    """
    for batch in batches:
        if stop():
            raise Stopped
        yield batch


def status_for_error(error: Exception) -> JobStatus | None:
    """Return the status of a job that ended with this error; None for an unexpected error."""
    match error:
        case Stopped():
            return "stopped"
        case Diverged():
            return "diverged"
        case DataError() | NoRoom():  # the rest of a job would only be trained again in vain
            return "unusable"
        case OSError() | CodeError():
            return "blocked"
        case TookTooLong():
            return "failed"
        case RuntimeError() if _is_out_of_memory(error):
            return "out_of_memory"
        case Exception() if _is_of_the_machine(error):
            return "lost"
        case TrainerError() | ValueError() | IndexError() | RuntimeError():
            return "failed"
    return None


def _is_out_of_memory(error: RuntimeError) -> bool:
    import torch  # late: a launch prepares its data without torch

    return isinstance(error, torch.OutOfMemoryError) or bool(_GPU_MEMORY.search(str(error)))


def _is_of_the_machine(error: Exception) -> bool:
    import torch

    match error:
        case MemoryError() | torch.AcceleratorError():
            return True
        case RuntimeError():
            return bool(_MACHINE_ERRORS.search(str(error)))
    return is_missing_own_code(error)
