"""Watches the head of a Ray cluster.

Once it is gone, any call of Ray blocks for a minute and then ends the process without a message of
ours.
"""

import logging
import os
import socket
import sys
import threading
import time
from typing import Self

log = logging.getLogger("searchctl")

POLL_INTERVAL_S = 5.0
"""Seconds between two checks."""
ANSWERS_WITHIN_S = 38.0
"""Seconds that a head may be silent: a network, or a restarted head, may be back by then. With
`LEAVES_WITHIN_S` it must stay below Ray's minute."""
LEAVES_WITHIN_S = 8.0
"""Seconds that this process may take to end by itself: a call of Ray may block it."""


class Head:
    """A head, and a thread that checks whether it answers.

    Attributes:
        gone: a message, with the fix, once it does not answer any more; None while it does.
    """

    def __init__(self, address: str) -> None:
        """Watch the head at this host:port."""
        self.gone: str | None = None
        self._address = address
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="head", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        self._over.set()

    def _watch(self) -> None:
        heard = time.monotonic()
        while not self._over.wait(POLL_INTERVAL_S):
            if (why := _silence(self._address)) is None:
                heard = time.monotonic()
            elif time.monotonic() - heard > ANSWERS_WITHIN_S:
                self._leave(why)
                return

    def _leave(self, why: str) -> None:
        """Report it as gone; end the process if it does not leave: stored state is always whole."""
        self.gone = (
            f"the head of the Ray cluster at {self._address} does not answer any more ({why}): "
            "nothing is lost; resume with `searchctl resume`, on another cluster too (--address)"
        )
        if not self._over.wait(LEAVES_WITHIN_S):
            log.error(self.gone)
            sys.stdout.flush()
            os._exit(1)


def _silence(address: str) -> str | None:
    """Return why a head cannot be reached; None if it can."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), POLL_INTERVAL_S).close()
    except OSError as error:
        return error.strerror or str(error)
    return None
