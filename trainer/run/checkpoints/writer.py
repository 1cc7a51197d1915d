"""Writes checkpoints in a thread, while the next epoch trains."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Self

from torch import Tensor
from upath import UPath

from searchctl.trainer.core.host_copies import host_copy
from searchctl.trainer.run.checkpoints.file import Checkpoint, write_checkpoint
from searchctl.trainer.run.checkpoints.pace import Pace

log = logging.getLogger(__name__)


class CheckpointWriter:
    """Writes a job's checkpoints to its directory, one at a time.

    The training is copied first, so it may change while its copy is written. On exit, a write in
    progress ends, and no other one starts: no thread outlives the job.
    """

    def __init__(self, folder: UPath, every_s: float | None = None) -> None:
        """Write to a directory.

        Args:
            folder: the job's directory; made when needed.
            every_s: smallest number of seconds between two checkpoints; None: see `Pace`.
        """
        self._folder = folder
        self._pace = Pace(every_s, time.perf_counter())
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._write: Future[float] | None = None

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(self, *error: object) -> None:
        """Wait for a write in progress."""
        self._thread.shutdown()
        failure = self._write.exception() if self._write else None
        if failure is not None:  # the job has ended, and needs no checkpoint any more
            log.warning("the last checkpoint was not written: %s", failure)

    def offer(self, state: Callable[[], Checkpoint]) -> None:
        """Start to write a checkpoint if one is due and none is being written.

        Args:
            state: returns the training as it is now; called only if needed, and copied.

        Raises:
            OSError: the checkpoint before could not be written.
        """
        if not self._is_free():
            return
        now = time.perf_counter()
        size = checkpoint_bytes(state().training) if self._pace.needs_size else 0
        if self._pace.is_due(now, size):
            self._pace.begin(now)
            copy = copied(state())
            copying_s = time.perf_counter() - now
            self._write = self._thread.submit(self._written, copy, copying_s)

    def _is_free(self) -> bool:
        """Return whether no write is in progress; take the cost of one that has ended.

        Where every epoch needs its checkpoint, wait for a write in progress.
        """
        if self._write is not None:
            if not (self._write.done() or self._pace.is_every_epoch):
                return False
            self._pace.end(self._write.result())
            self._write = None
        return True

    def _written(self, checkpoint: Checkpoint, copying_s: float) -> float:
        """Write a checkpoint; return what it costs in seconds, without waits for the disk."""
        started = time.thread_time()
        write_checkpoint(self._folder, checkpoint)
        return copying_s + time.thread_time() - started


def copied(checkpoint: Checkpoint) -> Checkpoint:
    """Return a checkpoint that shares no tensor with a training, its tensors on the CPU.

    The progress is not copied: its tensors are replaced, and never changed.
    """
    training = {
        name: part if name == "progress" else host_copy(part)
        for name, part in checkpoint.training.items()
    }
    return replace(checkpoint, training=training)


def checkpoint_bytes(training: Mapping[str, Any]) -> int:
    """Return the bytes of all tensors of a `Training.state_dict()`."""
    return sum(tensor.numel() * tensor.element_size() for tensor in _tensors(training))


def _tensors(value: Any) -> Iterator[Tensor]:
    match value:
        case Tensor():
            yield value
        case Mapping():
            yield from (tensor for each in value.values() for tensor in _tensors(each))
        case list() | tuple():
            yield from (tensor for each in value for tensor in _tensors(each))
