"""Keeps a Ray cluster that is started here to this machine, and to this user.

Whoever reaches Ray's ports can run any code. Left alone, Ray listens at every address of the
machine, and keeps the token that it asks for where every user of the machine may read it.
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
def closed_doors() -> Iterator[None]:
    """Have what Ray starts listen on loopback only, and answer nobody but this user.

    Raises:
        SearchctlError: the file of Ray's token cannot be written.
    """
    _own_token()
    # Ray reads its switch when it is imported, and hands it on to its processes by the environment
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
    """Make the file of Ray's token where there is none, and close it to others where there is."""
    if any(name in os.environ for name in _ELSEWHERE):
        return
    file = Path.home() / ".ray" / "auth_token"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent) as new:  # of mode 600
            new.write(secrets.token_hex(32))
            new.flush()
            with suppress(FileExistsError):  # another sweep's, perhaps of this very moment
                os.link(new.name, file)
        file.chmod(0o600)
    except OSError as error:
        raise SearchctlError(
            f"cannot keep Ray's token in {file} ({error}): name a file with $RAY_AUTH_TOKEN_PATH"
        ) from error
