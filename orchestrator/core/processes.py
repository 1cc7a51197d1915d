"""Names for processes on any machine, and a check whether a process of this machine has ended."""

import os
import socket


def worker_name() -> str:
    """Return host name and process id of the calling process: "node-3:4711"."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_dead(name: str) -> bool:
    """Return whether a named process is known to have ended; always False for other machines."""
    host, _, pid = name.rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)  # signal 0 only checks that the process exists
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # the process exists and belongs to another user
    return False
