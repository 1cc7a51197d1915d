"""Runs one command, and ends all of its processes with it, or when the job's process ends.

    python -I -S supervisor.py ALIVE STATUS GRACE COMMAND ...

ALIVE is the reading end of a pipe that the job's process holds open: once it is closed, by a stop
or because that process is gone, however it was killed, the command's process group gets SIGTERM
and, GRACE seconds later, SIGKILL. STATUS is a pipe that gets one JSON object a line: the command's
process id, and its exit code.

This file is run by its path and imports the standard library alone, so that it starts at once.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

POLL_S = 0.02
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main(alive: int, status: int, grace_s: float, command: list[str]) -> None:
    """Run the command; return once none of its processes is left."""
    if os.fork():
        os._exit(0)  # Ray kills the children of its workers before these could end their own
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # a handler is not inherited, unlike SIG_IGN
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        child = subprocess.Popen(command, start_new_session=True, preexec_fn=_die_with_parent)
    except OSError as error:
        _tell(status, error=f"{command[0]}: {error.strerror}")
        return
    _tell(status, pid=child.pid)
    while child.poll() is None and not _is_closed(alive):
        pass
    _end_group(child, grace_s)
    _kill_descendants()
    _tell(status, code=child.returncode)


def _tell(status: int, **values: object) -> None:
    with suppress(BrokenPipeError):  # the job's process is gone
        os.write(status, f"{json.dumps(values)}\n".encode())


def _is_closed(alive: int) -> bool:
    return bool(select.select([alive], [], [], POLL_S)[0])  # nothing is written to it


def _end_group(child: subprocess.Popen[bytes], grace_s: float) -> None:
    if child.poll() is not None:
        return
    os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(grace_s)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _kill_descendants() -> None:
    """Kill what the command left, in other process groups too; orphans became our children."""
    while left := _descendants(os.getpid()):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_S)
        _reap()


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # pid (name) state parent ...: the name may hold blanks and parentheses
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry.parent.name))
    found: list[int] = []
    pending = [root]
    while pending:
        of_one = children.get(pending.pop(), [])
        found += of_one
        pending += of_one
    return found


def _die_with_parent() -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # where this supervisor is killed itself


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
