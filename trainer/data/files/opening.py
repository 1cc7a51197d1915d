"""Opens a file of a data set, and never waits for a pipe without a writer."""

import os
import stat
from io import FileIO
from pathlib import Path


def open_file(path: Path) -> FileIO:
    """Open a file for reading, without a buffer.

    Raises:
        OSError: it cannot be read, or it is a named pipe or a device.
    """
    file = FileIO(path, "rb", opener=_at_once)
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError("it is a named pipe or a device")


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
