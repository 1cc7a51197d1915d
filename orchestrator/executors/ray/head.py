"""Watches the head of a Ray cluster.

Once it is gone, Ray keeps who asks it anything for a minute, and then ends the process without
a word of ours.
"""

import logging
import os
import socket
import sys
import threading
import time
from typing import Self

log = logging.getLogger("searchctl")

LOOK_EVERY_S = 5.0
"""Seconds between two looks."""
ANSWERS_WITHIN_S = 38.0
"""How long a head may not answer: a network, or a head that is started again, may be back by then;
with what follows, it has to be less than Ray's minute."""
LEAVES_WITHIN_S = 8.0
"""How long this process may take to leave by itself: it may be in Ray's hands."""


class Head:
    """A head, while a thread looks whether it answers.

    Attributes:
        gone: that it does not answer any more, and what to do, for people; None while it does.
    """

    def __init__(self, address: str) -> None:
        """Watch the head at this host:port."""
        self.gone: str | None = None
        self._address = address
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="head", daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._over.set()

    def _watch(self) -> None:
        heard = time.monotonic()
        while not self._over.wait(LOOK_EVERY_S):
            if (why := _silence(self._address)) is None:
                heard = time.monotonic()
            elif time.monotonic() - heard > ANSWERS_WITHIN_S:
                self._leave(why)
                return

    def _leave(self, why: str) -> None:
        """Have everybody leave; end the process if that takes too long: nothing relies on more."""
        self.gone = (
            f"the head of the Ray cluster at {self._address} does not answer any more ({why}): "
            "nothing is lost, `searchctl resume` goes on, on another cluster too (--address)"
        )
        if not self._over.wait(LEAVES_WITHIN_S):
            log.error(self.gone)
            sys.stdout.flush()
            os._exit(1)


def _silence(address: str) -> str | None:
    """Return why a head cannot be reached; None if it can."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), LOOK_EVERY_S).close()
    except OSError as error:
        return error.strerror or str(error)
    return None
