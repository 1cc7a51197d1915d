"""Ends a worker whose job has stalled: a disk that does not respond, a GPU driver that hangs.

Neither raises an exception, and the GPU would stay occupied, and be paid for, until a user notices.
"""

import faulthandler
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from searchctl.trainer.core.stopping import Stop

_TIMES_SET = 20
"""How often the timer is reset within its time: each reset starts a thread, so not per batch."""


@contextmanager
def watch_for_stall(patience_s: float | None, stop: Stop) -> Iterator[Stop]:
    """End this process once its job has not called `stop` for `patience_s`.

    Jobs call it before every batch. The stacks of all threads are printed first. A timer of
    faulthandler does it, since it fires even while a call into C holds the GIL.

    Args:
        patience_s: seconds; None waits without limit.
        stop: whether the job must stop.

    Yields:
        What the job is to call instead of `stop`; it returns the same values.
    """
    if patience_s is None:
        yield stop
        return
    set_at = float("-inf")

    def watched_stop() -> bool:
        nonlocal set_at
        if (now := time.monotonic()) - set_at > patience_s / _TIMES_SET:
            faulthandler.dump_traceback_later(patience_s, exit=True, file=sys.stderr)
            set_at = now
        return stop()

    watched_stop()
    try:
        yield watched_stop
    finally:
        faulthandler.cancel_dump_traceback_later()
