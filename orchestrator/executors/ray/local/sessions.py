"""The directories of Ray's sessions that launches have started: Ray itself never removes one.

<temporary directory>/ray/session_<time>_<process id>/searchctl    "host:pid" of the driver
"""

import shutil
from pathlib import Path

from searchctl.orchestrator.core.processes import is_dead, worker_name

_MARK = "searchctl"


def mark_session(session: Path) -> None:
    """Mark the directory of a session that this process has started as its own."""
    (session / _MARK).write_text(worker_name())


def remove_ended_sessions(folder: Path) -> None:
    """Remove the directories of ended sessions in a folder that have this mark.

    The newest one is kept, since its logs may be needed. What cannot be removed stays.
    """
    ended = sorted(mark.parent for mark in folder.glob(f"session_*/{_MARK}") if _has_ended(mark))
    for session in ended[:-1]:
        shutil.rmtree(session, ignore_errors=True)


def _has_ended(mark: Path) -> bool:
    try:
        return is_dead(mark.read_text())
    except (OSError, ValueError):  # of another user, or it was just removed or written
        return False
