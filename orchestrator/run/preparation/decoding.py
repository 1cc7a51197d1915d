"""Prepares a sweep's data before the first job: decodes and orders images, and shows progress."""

import time
from collections.abc import Callable, Iterable
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn

from searchctl.trainer.data.cache.store import OnProgress, ignore_progress
from searchctl.trainer.data.samples import decode_ahead, order_ahead
from searchctl.trainer.data.settings import DataSettings
from searchctl.trainer.settings.training import TrainSettings

_NOT_WORTH_SHOWING_S = 1.0
_ONLY_TASK = TaskID(0)


class DecodingStopped(Exception):
    """A stop was requested before all images were decoded."""


def decode_for(
    data: DataSettings,
    trials: Iterable[TrainSettings],
    tell: OnProgress,
    *,
    seed: int,
    whole: str = "train",
) -> None:
    """Decode the images that trials of these settings need, and order the training images.

    What is in the cache already is not computed again.

    Args:
        data: settings of the data set.
        trials: settings of the trials.
        tell: called with the progress.
        seed: of the sweep, for the order of the training images.
        whole: 'train', or 'train+val' if the validation images are trained on too.

    Raises:
        DataError: an image cannot be decoded, or the cache cannot be written or has no room.
    """
    decode_ahead(data, [settings.augmentation for settings in trials], whole=whole, tell=tell)
    order_ahead(data, seed, tell.ordering if isinstance(tell, DecodingDisplay) else ignore_progress)


class DecodingDisplay:
    """Shows decoding, then ordering, if it takes longer than a moment: a bar, or two lines."""

    def __init__(
        self,
        console: Console,
        stopping: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Show it on `console`; raise DecodingStopped once `stopping` returns True."""
        self._console = console
        self._stopping = stopping
        self._clock = clock
        self._work = ""
        self._began = 0.0
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_bar()

    def __call__(self, done: int, total: int) -> None:
        """Show how many of all images are decoded."""
        self._show("decod", done, total)

    def ordering(self, done: int, total: int) -> None:
        """Show that so many of all images have their place in the order of samples."""
        self._show("order", done, total)

    def _show(self, work: str, done: int, total: int) -> None:
        if self._stopping():
            raise DecodingStopped
        if work != self._work:
            self._stop_bar()
            self._work, self._began, self._bar = work, self._clock(), None
        seconds = self._clock() - self._began
        if self._bar is None and seconds > _NOT_WORTH_SHOWING_S and done < total:
            self._bar = self._start_display(total)
        if self._bar is not None and not self._bar.finished:
            self._bar.update(_ONLY_TASK, completed=done)
            if done == total:
                self._stop_bar()
                self._console.print(f"{work}ed {total} images in {seconds:.0f} s")

    def _stop_bar(self) -> None:
        if self._bar is not None and self._console.is_terminal:
            self._bar.stop()

    def _start_display(self, total: int) -> Progress:
        columns = (f"{self._work}ing images", BarColumn(), MofNCompleteColumn())
        bar = Progress(*columns, TimeRemainingColumn(), console=self._console, transient=True)
        bar.add_task("", total=total)
        if self._console.is_terminal:
            bar.start()
        else:
            self._console.print(f"{self._work}ing {total} images, once for all trials")
        return bar
