"""Times a loop over batches without changing it: as the `stop` that it calls before each batch."""

import time
from collections.abc import Callable, Iterable
from itertools import cycle

from searchctl.orchestrator.planning.cost import Span

WARM_UP = 3
"""Batches that are not timed, since they allocate memory and select algorithms."""
LAPS = 5
"""Target number of measurements; slow networks have fewer."""


class BatchTimer:
    """Measures seconds per image in several laps of one batch or more.

    It is called before every batch, also over several passes. It returns True, which ends the loop,
    when there are enough measurements.

    Args:
        sizes: number of images of each batch of one pass.
        seconds: measuring time; it is longer if two laps take longer.
        settle: synchronizes the device, so that all of its queued work is done.
        clock: returns the time in seconds.
    """

    def __init__(
        self,
        sizes: Iterable[int],
        seconds: float,
        settle: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._sizes = cycle(sizes)
        self._seconds = seconds
        self._settle = settle
        self._clock = clock
        self._calls = 0
        self._began = 0.0
        self._images = 0
        self._laps: list[tuple[float, int]] = []

    def __call__(self) -> bool:
        """Count a batch; return whether there are enough measurements."""
        self._calls += 1
        if self._calls > 1:  # the previous batch is done
            self._images += next(self._sizes)
        if self._calls <= WARM_UP + 1:
            self._start_lap()
        elif self._clock() - self._began >= self._seconds / LAPS:
            self._end_lap()
            self._start_lap()
        return len(self._laps) >= 2 and sum(took for took, _ in self._laps) >= self._seconds

    def _start_lap(self) -> None:
        self._settle()
        self._began, self._images = self._clock(), 0

    def _end_lap(self) -> None:
        self._settle()
        self._laps.append((self._clock() - self._began, self._images))

    @property
    def seconds_per_image(self) -> Span:
        """Seconds per image: of the fastest lap, of all laps together, and of the slowest lap."""
        each = [took / images for took, images in self._laps]
        took, images = (sum(part) for part in zip(*self._laps, strict=True))
        return Span(min(each), took / images, max(each))
