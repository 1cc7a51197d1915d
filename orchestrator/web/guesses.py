"""How many wrong tokens an address may send."""

import threading
import time
from collections import deque
from collections.abc import Callable

LIMIT = 10
"""Wrong tokens of one address within WINDOW, which makes a token of 16 characters safe."""
WINDOW = 60.0
"""Seconds."""
_ADDRESSES = 10_000  # remembered at most, so that no number of addresses fills the memory


class Guesses:
    """Counts the wrong tokens of each address over the last minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Count from now on by a clock in seconds."""
        self._clock = clock
        self._wrong: dict[str, deque[float]] = {}
        self._lock = threading.Lock()  # each request has a thread of its own

    def add(self, address: str) -> None:
        """Record a wrong token."""
        with self._lock:
            times = self._wrong.pop(address, deque(maxlen=LIMIT))
            times.append(self._clock())
            self._wrong[address] = times  # the latest is last
            if len(self._wrong) > _ADDRESSES:
                del self._wrong[next(iter(self._wrong))]

    def exceeded(self, address: str) -> bool:
        """Return whether the address must wait before it sends another token."""
        with self._lock:
            times = tuple(self._wrong.get(address, ()))
        return len(times) == LIMIT and self._clock() - times[0] < WINDOW
