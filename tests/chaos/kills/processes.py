"""Every process that descends from this one, as /proc shows them (Linux only).

Orphans are adopted by this process instead of init: what a killed driver leaves behind is seen
here, measured, and ended at the last.
"""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

_PR_SET_CHILD_SUBREAPER = 36
_GIVE_UP_S = 20.0


class Process(NamedTuple):
    """A process; the tick of its start distinguishes two of the same pid."""

    pid: int
    started: int


class _Row(NamedTuple):
    process: Process
    parent: int
    zombie: bool


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(root: int) -> set[Process]:
    """Return the living processes below a process, itself included."""
    rows = _rows()
    children: dict[int, list[int]] = {}
    for pid, row in rows.items():
        children.setdefault(row.parent, []).append(pid)
    found, todo = set(), [root]
    while todo:
        pid = todo.pop()
        todo += children.get(pid, [])
        if pid in rows and not rows[pid].zombie:
            found.add(rows[pid].process)
    return found


def still_alive(processes: Iterable[Process]) -> set[Process]:
    """Return those of the processes that have not ended."""
    rows = _rows()
    return {
        process
        for process in processes
        if (row := rows.get(process.pid)) and row.process == process and not row.zombie
    }


def title(process: Process) -> str:
    """Return a process's command line."""
    try:
        text = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    except OSError:
        return "(ended)"
    return text.replace(b"\0", b" ").decode(errors="replace").strip()[:200]


def reap_orphans(but: Collection[int] = ()) -> None:
    """Take note of the end of adopted processes, which are zombies until then."""
    for pid, row in _rows().items():
        if row.zombie and row.parent == os.getpid() and pid not in but:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def end_all() -> None:
    """Kill everything that descends from this process, until there is nothing left."""
    deadline = time.monotonic() + _GIVE_UP_S
    while time.monotonic() < deadline:
        ours = descendants(os.getpid()) - {_rows()[os.getpid()].process}
        if not ours:
            return
        for process in ours:
            kill(process.pid)
        time.sleep(0.05)
        reap_orphans()
    raise RuntimeError(f"cannot be killed: {[title(process) for process in ours]}")


def _rows() -> dict[int, _Row]:
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                found[int(entry.name)] = _row(int(entry.name))
    return found


def _row(pid: int) -> _Row:
    # the name, in parentheses, may hold spaces and parentheses itself
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return _Row(Process(pid, int(fields[19])), int(fields[1]), fields[0] in "ZX")
