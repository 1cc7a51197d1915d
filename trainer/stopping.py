"""How a job ends before its time: asked to leave, or diverged."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Stop = Callable[[], bool]
"""Returns True once the job is to leave; asked before every batch."""


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
