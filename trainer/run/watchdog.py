"""Ends a worker whose job stands still: a disk that answers no more, a GPU's driver that hangs.

No exception ever comes of these, and the GPU would be held and paid for until somebody looks.
"""

import faulthandler
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from searchctl.trainer.core.stopping import Stop

_TIMES_SET = 20
"""How often the timer is set in its patience: at every batch, each would cost a thread."""


@contextmanager
def watch_for_stall(patience_s: float | None, stop: Stop) -> Iterator[Stop]:
    """End this process once its job has not asked for `patience_s` whether to stop.

    Jobs ask before every batch. What each thread was doing is printed first. It is done by a timer
    of faulthandler, which runs though a call into C never gives Python its lock back.

    Args:
        patience_s: seconds; None waits for ever.
        stop: whether the job is to stop.

    Yields:
        What the job is to ask instead of `stop`; it gives the same answers.
    """
    if patience_s is None:
        yield stop
        return
    set_at = float("-inf")

    def asked() -> bool:
        nonlocal set_at
        if (now := time.monotonic()) - set_at > patience_s / _TIMES_SET:
            faulthandler.dump_traceback_later(patience_s, exit=True, file=sys.stderr)
            set_at = now
        return stop()

    asked()
    try:
        yield asked
    finally:
        faulthandler.cancel_dump_traceback_later()
