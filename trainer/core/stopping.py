"""How a job ends early: by a stop request, a diverged loss or an error."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch

from searchctl.trainer.core.errors import CodeError, DataError, TrainerError, is_missing_own_code
from searchctl.trainer.core.results import JobStatus

Item = TypeVar("Item")
Stop = Callable[[], bool]
"""Returns True once a stop is requested; called before each batch."""

# torch raises a plain RuntimeError for some errors of the machine: memory that ran out outside of
# CUDA's allocator, or a lost process of the job's process group.
_MACHINE_ERRORS = re.compile(
    r"DefaultCPUAllocator|(CUBLAS|CUDNN)_STATUS_ALLOC_FAILED|\bgloo\b|\bNCCL\b", re.IGNORECASE
)


class Stopped(Exception):
    """A stop was requested; the job left at the next batch."""


class Diverged(Exception):
    """The loss became NaN or infinite, so this configuration can no longer win."""


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
        case OSError() | CodeError():
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
