"""Times a loop over batches from the outside: as the `stop` that it asks before every batch."""

import time
from collections.abc import Callable, Iterable
from itertools import cycle

from searchctl.orchestrator.planning.cost import Span

WARM_UP = 3
"""Batches that are not timed: memory is allocated in them, and algorithms are chosen."""
LAPS = 5
"""Laps that are aimed at; slow networks make fewer of them."""


class BatchTimer:
    """Measures seconds for an image, over several laps of one batch or more.

    Called before every batch, however often the loop over them begins anew; returns True, which
    ends the loop, once there is enough.

    Args:
        sizes: images of each batch of one pass.
        seconds: to measure for; two laps after the warm-up may take longer.
        settle: waits until all that was asked of the device is done.
        clock: in seconds.
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
        """Take note that another batch begins; say whether there is enough."""
        self._calls += 1
        if self._calls > 1:  # the batch before this one is done
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
        """Of the fastest lap, of all laps together, and of the slowest."""
        each = [took / images for took, images in self._laps]
        took, images = (sum(part) for part in zip(*self._laps, strict=True))
        return Span(min(each), took / images, max(each))
