"""What is left on a disk, for messages about a full one."""

import errno
import shutil
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers of a full disk, a spent quota, and a file that may not be larger (`ulimit -f`)."""


def disk_space(path: Path) -> str:
    """Return how much is free on the disk of a path, which need not exist. A quota is not seen."""
    place = next(each for each in (path, *path.absolute().parents) if each.exists())
    usage = shutil.disk_usage(place)
    return f"{usage.free / 1e6:.1f} MB of {usage.total / 1e6:.0f} MB are free there"
