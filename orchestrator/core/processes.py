"""Names processes of any machine, and says which of this machine's are no more."""

import os
import socket


def worker_name() -> str:
    """Return host and process id of the calling process: "node-3:4711"."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_dead(name: str) -> bool:
    """Is this a process of this machine that is no more? Others can only be waited for."""
    host, _, pid = name.rpartition(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # another user's: alive
    return False
