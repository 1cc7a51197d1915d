"""Writes that are not in the database yet, in their order: jobs continue while it is down."""

import time
from collections import deque
from collections.abc import Callable

from sqlalchemy import URL

from searchctl.orchestrator.core.errors import DatabaseFull
from searchctl.orchestrator.storage.faults import full, full_message, unreachable

Write = Callable[[], None]
"""One transaction. It may run twice: a commit may be stored and its acknowledgement lost."""

BACK_OFF_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between two attempts to write; the last one repeats."""


class Outbox:
    """Passes writes to the database one by one, and keeps them while it does not answer."""

    def __init__(
        self,
        on_down: Callable[[str], None],
        on_up: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        url: URL | None = None,
    ) -> None:
        """Call `on_down` with the reason once the database is down, `on_up` once it is up again.

        A message that it is full names its `url`.
        """
        self._writes: deque[Write] = deque()
        self._on_down = on_down
        self._on_up = on_up
        self._clock = clock
        self._url = url
        self._tries = 0
        self._not_before = 0.0

    def put(self, write: Write) -> None:
        """Write now if all earlier writes are done, otherwise after them.

        Raises:
            DatabaseFull: nothing more can be stored; this write is not.
            LeaseLost: the sweep has another driver.
        """
        self._writes.append(write)
        self.flush()

    def flush(self) -> bool:
        """Write as much as possible; return whether nothing is left.

        Raises:
            DatabaseFull, LeaseLost: as `put` does.
        """
        if self._writes and self._clock() >= self._not_before:
            self.attempt(self._write_all)
        return not self._writes

    def attempt(self, action: Callable[[], None]) -> bool:
        """Run an action on the database; return whether it answered.

        Raises:
            DatabaseFull, LeaseLost: as `put` does.
        """
        try:
            action()
        except Exception as error:
            if full(error):
                raise DatabaseFull(
                    f"{full_message(error, self._url)}, then run `searchctl resume`; what is "
                    "stored is complete"
                ) from error
            if not unreachable(error):
                raise
            self._wait(error)
            return False
        if self._tries:
            self._tries = 0
            self._on_up()
        return True

    def drain(self, give_up: Callable[[], bool]) -> bool:
        """Write all that is left, however long it takes; return False once `give_up` is true."""
        while not self.flush():
            if give_up():
                return False
            time.sleep(0.1)
        return True

    def _write_all(self) -> None:
        while self._writes:
            self._writes[0]()
            self._writes.popleft()

    def _wait(self, error: Exception) -> None:
        if not self._tries:
            self._on_down(_first_line(error))
        self._not_before = self._clock() + BACK_OFF_S[min(self._tries, len(BACK_OFF_S) - 1)]
        self._tries += 1


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
