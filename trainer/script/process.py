"""A running script: started in a process group of its own, watched, and ended as a whole."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

GRACE_S = 10.0
"""Seconds between SIGTERM and SIGKILL."""
_SUPERVISOR = Path(__file__).with_name("supervisor.py")


@dataclass(frozen=True)
class Ended:
    """How a script ended."""

    code: int | None
    """Exit code; negative: the signal that killed it; None: it never ran, or it is unknown."""
    error: str = ""
    """Why there is no exit code."""
    was_watched: bool = False
    """Whether it ran, and its end is unknown."""

    @property
    def signal(self) -> int | None:
        """The signal that killed it, or its main process, which shells show as 128 + signal."""
        if self.code is None or not (self.code < 0 or 128 < self.code <= 192):
            return None
        return -self.code if self.code < 0 else self.code - 128


class ScriptProcess:
    """A command and all processes that it starts, which end with this process at the latest.

    They are ended by a supervisor (supervisor.py) that watches a pipe to this process. So they end
    too where this process is killed with SIGKILL, which no handler sees.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        output: Path,
        grace_s: float = GRACE_S,
    ) -> None:
        """Start the command.

        Args:
            command: the program and its arguments; no shell reads them.
            directory: working directory.
            environment: all of its environment variables.
            output: file to which standard output and standard error are appended.
            grace_s: seconds between SIGTERM and SIGKILL.

        Raises:
            OSError: the directory is missing, or the output cannot be written.
        """
        watched, self._alive = os.pipe()
        self._status, status = os.pipe()
        self._grace_s = grace_s
        self._unread = b""
        self._pid: int | None = None
        self._ended: Ended | None = None
        supervisor = [sys.executable, "-I", "-S", str(_SUPERVISOR)]
        arguments = [str(watched), str(status), str(grace_s), *command]
        try:
            with output.open("ab") as log:
                subprocess.run(
                    [*supervisor, *arguments],
                    cwd=directory,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=(watched, status),
                    check=True,
                )
        except BaseException:
            self._close()
            raise
        finally:
            os.close(watched)
            os.close(status)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._close()

    def wait(self, seconds: float) -> Ended | None:
        """Wait for the end for so many seconds; return how it ended, or None if it still runs."""
        deadline = time.monotonic() + seconds
        while self._ended is None and (left := deadline - time.monotonic()) > 0:
            if select.select([self._status], [], [], left)[0]:
                self._read()
        return self._ended

    def stop(self) -> None:
        """End all of its processes: SIGTERM, then SIGKILL. Returns once they are gone."""
        if self._ended is None:
            os.close(self._alive)
            self._alive = -1
            if self.wait(self._grace_s + 30) is None:
                self._kill()

    def _read(self) -> None:
        received = os.read(self._status, 4096)
        *lines, self._unread = (self._unread + received).split(b"\n")
        for line in lines:
            values = json.loads(line)
            self._pid = values.get("pid", self._pid)
            if "code" in values or "error" in values:
                self._ended = Ended(values.get("code"), values.get("error", ""))
        if not received and self._ended is None:
            self._kill()
            self._ended = Ended(None, "its supervisor was killed", was_watched=True)

    def _kill(self) -> None:
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)

    def _close(self) -> None:
        for descriptor in (self._alive, self._status):
            if descriptor >= 0:
                os.close(descriptor)
        self._alive = self._status = -1
