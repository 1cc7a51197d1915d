"""Runs a logger that needs the network in a thread of its own, so that the driver never waits."""

import logging
import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from searchctl.orchestrator.callbacks.base import Callback, JobView
from searchctl.orchestrator.callbacks.completed import Completed
from searchctl.trainer.core.results import EpochRecord, JobResult

log = logging.getLogger("searchctl")

CLOSE_S = 60.0
"""Seconds that an ended sweep waits for a logger at most."""


class NetworkLogger(Callback):
    """A logger that may be slow, or fail, at any moment; it is used by one thread alone."""

    def close(self) -> None:
        """End all open runs."""


class InBackground(Callback):
    """Passes events on to a logger in the background. A logger that raises an error is dropped."""

    def __init__(self, make: Callable[[], NetworkLogger], name: str) -> None:
        """Take the function that makes the logger, in its thread, and its name for people."""
        self._make = make
        self._name = name
        self._due: queue.SimpleQueue[Callable[[NetworkLogger], None] | None] = queue.SimpleQueue()
        self._failed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until everything is written, but not for long."""
        self._due.put(None)
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.warning("%s does not answer: its last values are lost", self._name)

    def job_started(self, job: JobView, attempt: int) -> None:
        """Pass it on."""
        self._put(lambda logger: logger.job_started(job, attempt))

    def epoch(self, job: JobView, record: EpochRecord) -> None:
        """Pass it on."""
        self._put(lambda logger: logger.epoch(job, record))

    def job_done(self, job: JobView, result: JobResult) -> None:
        """Pass it on."""
        self._put(lambda logger: logger.job_done(job, result))

    def completed(self, end: Completed) -> None:
        """Pass it on."""
        self._put(lambda logger: logger.completed(end))

    def _put(self, event: Callable[[NetworkLogger], None]) -> None:
        if not self._failed:
            self._due.put(event)

    def _run(self) -> None:
        try:
            logger = self._make()
            while (event := self._due.get()) is not None:
                event(logger)
            logger.close()
        except Exception as error:  # the network, or a bug of a logger, must not end a sweep
            self._failed = True
            why = str(error).strip().partition("\n")[0] or type(error).__name__
            log.warning("%s failed and is disabled; the sweep continues: %s", self._name, why)
