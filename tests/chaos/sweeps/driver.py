"""One searchctl process that drives a sweep, from its start to its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.kills.processes import kill

SEARCHCTL = str(Path(sys.executable).parent / "searchctl")
_ENVIRONMENT = {
    "COLUMNS": "200",
    "PYTHONFAULTHANDLER": "1",  # SIGABRT makes it say where it is
    "NO_ALBUMENTATIONS_UPDATE": "1",
}
_TAIL = 4000


class Driver:
    """A running `searchctl launch` or `searchctl resume`."""

    def __init__(self, arguments: Sequence[str], folder: Path) -> None:
        """Start it, with its output at the end of folder/output.txt."""
        self.verb = arguments[0]
        self.started = time.monotonic()
        self.since = datetime.now(UTC)
        self._output = folder / "output.txt"
        with self._output.open("a") as output:
            print(f"\n$ searchctl {' '.join(arguments)}", file=output, flush=True)
            self._process = subprocess.Popen(
                [SEARCHCTL, *arguments],
                cwd=folder,
                env={**os.environ, **_ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended (minus the signal, if by one); None while it runs."""
        return self._process.poll()

    @property
    def seconds(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self.started

    def signal(self, number: int) -> None:
        """Send it a signal."""
        kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        """Return its exit code; if it has none after so many seconds, say where it hangs.

        Raises:
            TimeoutError: it did not end; its threads' tracebacks are in the output.
        """
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGABRT)  # faulthandler prints where each thread is
            self._process.wait(20)
            raise TimeoutError(f"`searchctl {self.verb}` hung:\n{self.tail()}") from None

    def tail(self) -> str:
        """Return the last part of its output."""
        return self._output.read_text()[-_TAIL:]
