"""Ctrl-C and SIGTERM become a question that is asked often: must the sweep end now?"""

import os
import signal
from types import FrameType
from typing import Self

STOPPING = "stopping; nothing is lost. A second Ctrl-C leaves at once"


class StopSwitch:
    """Is off until the first SIGINT or SIGTERM; the second one ends the process at once.

    Both say so on standard error, unbuffered, as a handler may interrupt any other output.

    Nothing relies on it having run: a process that is killed loses no more than a stopped one.

    Args:
        go_on: how to go on after the second signal, for people.

    Attributes:
        drawn: whether a display draws `notice`; to write it beside that would spoil the picture.
        first: what the first signal is answered with, for people.
    """

    def __init__(
        self,
        go_on: str = "`searchctl resume` goes on from the last checkpoints",
    ) -> None:
        self._go_on = go_on
        self.drawn = False
        self.first = STOPPING
        self.signal: int | None = None
        self._before: dict[int, object] = {}

    def __call__(self) -> bool:
        """Has a signal come?"""
        return self.signal is not None

    def __enter__(self) -> Self:
        """Listen."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._first)
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def notice(self) -> str | None:
        """Return what to show while the sweep is stopping."""
        return STOPPING if self.signal else None

    def reason(self) -> str | None:
        """Name the signal that has come, for people."""
        return f"{signal.Signals(self.signal).name} came" if self.signal else None

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal ended: 130 or 143; 0 without one."""
        return 128 + self.signal if self.signal else 0

    def _first(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        if not self.drawn:
            os.write(2, f"\n{self.first}\n".encode())
        for again in (signal.SIGINT, signal.SIGTERM):
            signal.signal(again, self._second)

    def _second(self, number: int, _frame: FrameType | None) -> None:
        os.write(2, f"\nleft at once; {self._go_on}\n".encode())
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
