"""Restricts a Ray cluster that is started here to this machine and this user.

Anyone who reaches Ray's ports can run any code. By default Ray listens on every address of the
machine, and stores its token where every user of the machine can read it.
"""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ray._private import ray_constants

from searchctl.orchestrator.core.errors import SearchctlError

_SWITCH = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
_ELSEWHERE = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


@contextmanager
def loopback_only() -> Iterator[None]:
    """Make Ray's processes listen on loopback only, and accept this user's token only.

    Raises:
        SearchctlError: the file of Ray's token cannot be written.
    """
    _own_token()
    # Ray reads its switch at its import, and passes it to its processes in the environment
    before, os.environ[_SWITCH] = os.environ.get(_SWITCH), "0"
    imported, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = imported
        os.environ.pop(_SWITCH)
        if before is not None:
            os.environ[_SWITCH] = before


def _own_token() -> None:
    """Create the file of Ray's token if it is missing; make it readable by this user only."""
    if any(name in os.environ for name in _ELSEWHERE):
        return
    file = Path.home() / ".ray" / "auth_token"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent) as new:  # of mode 600
            new.write(secrets.token_hex(32))
            new.flush()
            with suppress(FileExistsError):  # another sweep may create it at the same moment
                os.link(new.name, file)
        file.chmod(0o600)
    except OSError as error:
        raise SearchctlError(
            f"cannot keep Ray's token in {file} ({error}): name a file with $RAY_AUTH_TOKEN_PATH"
        ) from error
