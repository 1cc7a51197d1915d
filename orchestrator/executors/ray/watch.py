"""Checks while Tune runs whether it must be left, and how it is left."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.executors.base import Stop
from searchctl.orchestrator.executors.ray.cluster import alive_nodes
from searchctl.orchestrator.executors.ray.head import Head

log = logging.getLogger("searchctl")

NODES_EVERY_S = 5.0
"""Seconds between two checks of whether the cluster has nodes, and of what jobs wait for."""


class Leave(BaseException):
    """Leaves Tune at once: at a stop, or (with a cause) because the source failed.

    Not an Exception: on an Exception, Tune requests an end of every worker and waits for its next
    report, which may be an epoch away. The end of our session with Ray ends all workers.
    """


@contextmanager
def leaving_on_error() -> Iterator[None]:
    """Leave Tune if the block fails, with its error as the cause."""
    try:
        yield
    except Exception as error:
        raise Leave from error


class Watch:
    """Checks whether to leave, whether the cluster has nodes, and what jobs wait for.

    Called at every step of Tune, and when Tune takes none: while every slot waits for a worker that
    never starts, and while there is no job to hand out.
    """

    def __init__(self, stop: Stop, look: Callable[[], None], head: Head) -> None:
        """Leave if `stop` returns True or `head` is gone; call `look` every few seconds."""
        self._stop = stop
        self._look = look
        self._head = head
        self._look_at = 0.0

    def __call__(self) -> None:
        """Raise `Leave` if the run must end."""
        if self._stop():
            raise Leave
        with leaving_on_error():
            if self._head.gone:
                raise SearchctlError(self._head.gone)
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + NODES_EVERY_S
            with leaving_on_error():
                _check_nodes()
                self._look()


def _check_nodes() -> None:
    """Check that the cluster has a node: on one machine, none will come back.

    Raises:
        SearchctlError: it has none.
    """
    if not alive_nodes():
        message = "Ray has no node left (is its raylet dead?): `searchctl resume` starts another"
        log.error(message)  # Ray may end this process before the error is shown
        raise SearchctlError(message)
