"""Waiting for what another process does."""

import time


def until(found, patience_s=120):
    """Wait until something is found; return it."""
    deadline = time.monotonic() + patience_s
    while not (it := found()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return it
