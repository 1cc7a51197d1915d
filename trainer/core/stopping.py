"""How a job ends before its time: asked to leave, diverged, or ended by an error."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch

from searchctl.trainer.core.errors import DataError, TrainerError, is_missing_own_code
from searchctl.trainer.core.results import JobStatus

Item = TypeVar("Item")
Stop = Callable[[], bool]
"""Returns True once the job is to leave; asked before every batch."""

# What torch raises as a plain RuntimeError though the machine is at fault: memory that ran out
# elsewhere than in CUDA's allocator, or another process of the job that is gone.
_MACHINE_ERRORS = re.compile(
    r"DefaultCPUAllocator|(CUBLAS|CUDNN)_STATUS_ALLOC_FAILED|\bgloo\b|\bNCCL\b", re.IGNORECASE
)


class Stopped(Exception):
    """The job was asked to leave; it left at the next batch."""


class Diverged(Exception):
    """The loss became NaN or infinite: this configuration cannot win any more."""


def until_stopped(batches: Iterable[Item], stop: Stop) -> Iterator[Item]:
    """Pass batches on until asked to stop.

    Raises:
        Stopped: `stop()` was true before a batch.
    """
    for batch in batches:
        if stop():
            raise Stopped
        yield batch


def status_for_error(error: Exception) -> JobStatus | None:
    """Return what a job is that ended with this error; None for an error that nobody foresaw."""
    match error:
        case Stopped():
            return "stopped"
        case Diverged():
            return "diverged"
        case OSError():
            return "blocked"
        case DataError():
            return "unusable"
        case MemoryError() | torch.OutOfMemoryError() | torch.AcceleratorError():
            return "lost"
        case ModuleNotFoundError() if is_missing_own_code(error):
            return "lost"
        case RuntimeError() if _MACHINE_ERRORS.search(str(error)):
            return "lost"
        case TrainerError() | ValueError() | IndexError() | RuntimeError():
            return "failed"
    return None
