"""Turns Ctrl-C and SIGTERM into a flag that the driver polls."""

import os
import signal
from types import FrameType
from typing import Self

STOPPING = "stopping; nothing is lost. A second Ctrl-C leaves at once"


class StopSwitch:
    """Is set by the first SIGINT or SIGTERM; the second one ends the process at once.

    Each signal prints a line to standard error. The handlers write unbuffered, because they may
    interrupt any other output.

    Correctness does not depend on these handlers: a killed process loses no more than a stopped
    one.

    Args:
        next_step: how to continue after the second signal, as a message to the user.

    Attributes:
        drawn: whether a live display already shows `notice`. A printed line would damage it.
        first: message that is printed on the first signal.
    """

    def __init__(
        self,
        next_step: str = "`searchctl resume` continues from the last checkpoints",
    ) -> None:
        self._next_step = next_step
        self.drawn = False
        self.first = STOPPING
        self.signal: int | None = None
        self._before: dict[int, object] = {}

    def __call__(self) -> bool:
        """Return whether a signal has arrived."""
        return self.signal is not None

    def __enter__(self) -> Self:
        """Install the signal handlers."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._first)
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the previous signal handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def notice(self) -> str | None:
        """Return the line to show while the sweep is stopping; None before a signal."""
        return STOPPING if self.signal else None

    def reason(self) -> str | None:
        """Return why the sweep stops, as stored with its event; None before a signal."""
        return f"received {signal.Signals(self.signal).name}" if self.signal else None

    @property
    def exit_code(self) -> int:
        """Exit code by the convention of shells: 130 (SIGINT) or 143 (SIGTERM); 0 without one."""
        return 128 + self.signal if self.signal else 0

    def _first(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        if not self.drawn:
            os.write(2, f"\n{self.first}\n".encode())
        for again in (signal.SIGINT, signal.SIGTERM):
            signal.signal(again, self._second)

    def _second(self, number: int, _frame: FrameType | None) -> None:
        os.write(2, f"\nstopped at once; {self._next_step}\n".encode())
        # The default handler ends the process, so that its parent sees death by this signal.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
