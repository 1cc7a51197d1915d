"""Decodes what a sweep needs of its data set before the first job, and shows how far that is."""

import time
from collections.abc import Callable, Iterable
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn

from searchctl.trainer.data.cache.store import OnProgress
from searchctl.trainer.data.samples import decode_ahead
from searchctl.trainer.data.settings import DataSettings
from searchctl.trainer.settings.training import TrainSettings

_NOT_WORTH_SHOWING_S = 1.0
_ONLY_TASK = TaskID(0)


class DecodingStopped(Exception):
    """Somebody asked to leave before all images were decoded."""


def decode_for(
    data: DataSettings, trials: Iterable[TrainSettings], tell: OnProgress, *, whole: str = "train"
) -> None:
    """Decode the images that trials of these settings need, unless they are in the cache.

    Args:
        data: settings of the data set.
        trials: settings of the trials.
        tell: told how far it is.
        whole: 'train', or 'train+val' if the validation images are trained on too.

    Raises:
        DataError: an image cannot be decoded, or the cache cannot be written or has no room.
    """
    decode_ahead(data, {settings.augment for settings in trials}, whole=whole, tell=tell)


class DecodingDisplay:
    """Shows the decoding if it takes longer than a moment: a bar on a terminal, else two lines."""

    def __init__(
        self,
        console: Console,
        stopping: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Show it on `console`, and end it with DecodingStopped once `stopping`."""
        self._console = console
        self._stopping = stopping
        self._clock = clock
        self._began: float | None = None
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_bar()

    def __call__(self, done: int, total: int) -> None:
        """Show that so many of all images are decoded."""
        if self._stopping():
            raise DecodingStopped
        self._began = self._clock() if self._began is None else self._began
        seconds = self._clock() - self._began
        if self._bar is None and seconds > _NOT_WORTH_SHOWING_S and done < total:
            self._bar = self._start_display(total)
        if self._bar is not None and not self._bar.finished:
            self._bar.update(_ONLY_TASK, completed=done)
            if done == total:
                self._stop_bar()
                self._console.print(f"decoded {total} images in {seconds:.0f} s")

    def _stop_bar(self) -> None:
        if self._bar is not None and self._console.is_terminal:
            self._bar.stop()

    def _start_display(self, total: int) -> Progress:
        columns = ("decoding images", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        bar = Progress(*columns, console=self._console, transient=True)
        bar.add_task("", total=total)
        if self._console.is_terminal:
            bar.start()
        else:
            self._console.print(f"decoding {total} images, once for all trials")
        return bar
