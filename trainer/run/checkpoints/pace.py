"""When a checkpoint is due, pure: seconds come from outside."""

SHARE = 0.02
"""Greatest share of a job's time that checkpoints may cost."""
LONGEST_S = 60.0
"""Seconds between two checkpoints, however much one costs."""
_BYTES_PER_S = 200e6
_FILE_S = 0.003
"""Cost of a checkpoint before one was written: bytes in a second, and that of a small file."""


class Pace:
    """Says how many seconds lie between the starts of two checkpoints of a job."""

    def __init__(self, every_s: float | None, started: float) -> None:
        """Pace the checkpoints of a job.

        Args:
            every_s: smallest number of seconds; None: as many as keep the cost below `SHARE`.
            started: when the job started, in seconds of any clock.
        """
        self._every_s = every_s
        self._last = started
        self._cost_s: float | None = None

    @property
    def is_every_epoch(self) -> bool:
        """Is a checkpoint requested after every epoch, whatever it costs?"""
        return self._every_s == 0

    @property
    def needs_size(self) -> bool:
        """Is the cost of a checkpoint still estimated from its size?"""
        return self._every_s is None and self._cost_s is None

    def is_due(self, now: float, size: int = 0) -> bool:
        """Return whether a checkpoint is to be written.

        Args:
            now: seconds of the same clock.
            size: bytes of a checkpoint; counts while `needs_size`.
        """
        return now - self._last >= self._seconds_between(size)

    def begin(self, now: float) -> None:
        """Note that a checkpoint is started."""
        self._last = now

    def end(self, cost_s: float) -> None:
        """Note the seconds that a checkpoint has taken from the training."""
        self._cost_s = cost_s

    def _seconds_between(self, size: int) -> float:
        if self._every_s is not None:
            return self._every_s
        cost_s = size / _BYTES_PER_S + _FILE_S if self._cost_s is None else self._cost_s
        return min(LONGEST_S, cost_s / SHARE)
