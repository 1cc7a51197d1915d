"""Addresses of Ray clusters: the accepted forms, and which ones need a submitted driver."""

import os
import re
from pathlib import Path

from searchctl.orchestrator.core.errors import SearchctlError

SUBMISSION_VARIABLE = "SEARCHCTL_SUBMISSION"
"""Environment variable of a submitted driver: the id of its Ray job."""
SOURCE_VARIABLE = "SEARCHCTL_SOURCE"
"""Environment variable of a submitted driver: the sweep file's path on the submitting machine."""
SWEEP_FILE = "sweep.yaml"
"""Name of the copy of the sweep file in the working directory of a submitted driver."""
CODE_FOLDER = "own-code"
"""Name of the directory with the user's own code in the working directory of such a driver."""

_IN_PROCESS = re.compile(r"local|auto|[\w.-]+:\d+|\[[0-9a-fA-F:]+\]:\d+")
_REMOTE = re.compile(r"ray://[^\s/@]+:\d+/?|https?://[^\s/@]+/?")
FORMS = "auto, host:port, ray://host:port or http://host:8265 (or local: start one here)"


def checked_address(address: str) -> str:
    """Return the address if it has an accepted form.

    Raises:
        ValueError: it has none of the `FORMS`. The message does not quote the address, because
            it may hold a password.
    """
    if not (_IN_PROCESS.fullmatch(address) or is_remote(address)):
        raise ValueError(f"must be an address of a Ray cluster: {FORMS}")
    return address


def is_remote(address: str) -> bool:
    """Return whether a driver has to be submitted to this address.

    This holds for Ray client (ray://) and for the dashboard (http://). A driver never runs behind
    Ray client, because Tune would move our searcher into another process.

    >>> [is_remote(each) for each in ("auto", "10.0.0.1:6379", "ray://head:10001")]
    [False, False, True]
    """
    return _REMOTE.fullmatch(address) is not None


def submission() -> str | None:
    """Return the id of this driver's Ray job; None if the driver was not submitted."""
    return os.environ.get(SUBMISSION_VARIABLE)


def source_of(sweep_file: Path) -> Path:
    """Return the original path of a sweep file; for a submitted driver, on the user's machine."""
    return Path(os.environ.get(SOURCE_VARIABLE) or sweep_file.absolute())


def travelled_file() -> Path | None:
    """Return the sweep file that was submitted together with this driver; None without one."""
    file = Path(SWEEP_FILE).absolute()
    return file if submission() and file.is_file() else None


def travelled_code() -> Path | None:
    """Return the directory of own code that was submitted with this driver; None without one."""
    folder = Path(CODE_FOLDER).absolute()
    return folder if submission() and folder.is_dir() else None


def driver_address(address: str | None) -> str | None:
    """Return the address to which a driver in this process connects; None starts Ray here.

    Raises:
        SearchctlError: the driver has to be submitted to this address.
    """
    if submission():
        # A submitted driver already runs on a node of the cluster: the stored address is the one
        # for machines outside.
        return "auto"
    if address == "local":
        return None
    if address is not None and is_remote(address):
        raise SearchctlError(
            f"a driver has to run on a node of its cluster and cannot connect through {address}: "
            "use `searchctl launch` or `searchctl resume`, which submit it; from Python, run on a "
            "node of the cluster and use host:port"
        )
    return address
