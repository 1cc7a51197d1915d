"""The address of a Ray cluster: what it may look like, and from where a driver can use it."""

import os
import re
from pathlib import Path

from searchctl.orchestrator.core.errors import SearchctlError

SUBMISSION_VARIABLE = "SEARCHCTL_SUBMISSION"
"""Names, in the environment of a driver that was submitted to a cluster, that very job."""
SOURCE_VARIABLE = "SEARCHCTL_SOURCE"
"""There, the path of the sweep file on the machine that submitted it."""
SWEEP_FILE = "sweep.yaml"
"""The sweep file as it travels, in the current directory of such a driver."""

_IN_PROCESS = re.compile(r"local|auto|[\w.-]+:\d+|\[[0-9a-fA-F:]+\]:\d+")
_REMOTE = re.compile(r"ray://[^\s/@]+:\d+/?|https?://[^\s/@]+/?")
FORMS = "auto, host:port, ray://host:port or http://host:8265 (or local: start one here)"


def checked_address(address: str) -> str:
    """Return the address, if it is one.

    Raises:
        ValueError: it is none of these forms; quotes nothing of it, since a password may be in
            it.
    """
    if not (_IN_PROCESS.fullmatch(address) or is_remote(address)):
        raise ValueError(f"must be an address of a Ray cluster: {FORMS}")
    return address


def is_remote(address: str) -> bool:
    """Is it reached from anywhere, so that a driver has to be submitted to it?

    A driver never runs behind Ray client: Tune would send our searcher to another process.

    >>> [is_remote(each) for each in ("auto", "10.0.0.1:6379", "ray://head:10001")]
    [False, False, True]
    """
    return _REMOTE.fullmatch(address) is not None


def submission() -> str | None:
    """Return the id of the Ray job that this process is the driver of, if it was submitted."""
    return os.environ.get(SUBMISSION_VARIABLE)


def source_of(sweep_file: Path) -> Path:
    """Return where a sweep file is kept: one that travelled, on the machine that it came from."""
    return Path(os.environ.get(SOURCE_VARIABLE) or sweep_file.absolute())


def travelled_file() -> Path | None:
    """Return the sweep file that came with this driver, if it was submitted with one."""
    file = Path(SWEEP_FILE).absolute()
    return file if submission() and file.is_file() else None


def driver_address(address: str | None) -> str | None:
    """Return what a driver in this process connects to; None starts Ray on this machine.

    A submitted driver runs on a node of its cluster, whatever that is called from elsewhere.

    Raises:
        SearchctlError: the address is one to submit to.
    """
    if submission():
        return "auto"
    if address == "local":
        return None
    if address is not None and is_remote(address):
        raise SearchctlError(
            f"a driver runs on a node of its cluster, and not behind {address}: `searchctl launch` "
            "and `searchctl resume` submit it there; from Python, use host:port on a node of it"
        )
    return address
