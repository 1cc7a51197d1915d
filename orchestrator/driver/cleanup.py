"""Removes the files of a running sweep that nothing needs any more."""

import logging
import time
from collections.abc import Callable, Iterable

from searchctl.orchestrator.halving.job_key import JobKey

EVERY_S = 2.0
"""Seconds between two removals: those of many jobs at once take little longer than those of one."""

log = logging.getLogger("searchctl")

Remove = Callable[[Iterable[JobKey] | None], object]
"""Removes the files that nothing needs of these jobs, or of all; raises OSError if it cannot."""


class Cleanup:
    """Collects jobs that are over, and now and then removes their files.

    A failure is only logged: it costs disk space, and `searchctl gc` repeats the removal.
    """

    def __init__(self, remove: Remove, clock: Callable[[], float] = time.monotonic) -> None:
        self._remove = remove
        self._clock = clock
        self._over: set[JobKey] = set()
        self._due = 0.0

    def after(self, jobs: Iterable[JobKey]) -> None:
        """Remove the files of these jobs, soon."""
        self._over.update(jobs)
        if self._clock() >= self._due:
            self._remove_files(self._over)
            self._over, self._due = set(), self._clock() + EVERY_S

    def finish(self) -> None:
        """Remove the files of all jobs of a sweep that is over."""
        self._remove_files(None)

    def _remove_files(self, jobs: Iterable[JobKey] | None) -> None:
        try:
            self._remove(jobs)
        except OSError as error:
            log.warning("files of the sweep are left (`searchctl gc` removes them): %s", error)
