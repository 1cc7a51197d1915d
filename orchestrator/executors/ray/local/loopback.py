"""Restricts a Ray cluster that is started here to this machine and this user.

Anyone who reaches Ray's ports can run any code. By default Ray listens on every address of the
machine, and stores its token where every user of the machine can read it.
"""

import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
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
        SearchctlError: the file of the token cannot be written.
    """
    # Ray reads its switch at its import, and passes the environment to its processes
    imported, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    try:
        with _environment({_SWITCH: "0", **_own_token()}):
            yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = imported


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _own_token() -> dict[str, str]:
    """Return the variable that names the file of our token, which is created if it is missing.

    Ray's own file, ~/.ray/auth_token, would make each later cluster of this user require a token.
    """
    if any(name in os.environ for name in _ELSEWHERE):
        return {}
    file = Path.home() / ".ray" / "searchctl_token"
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
    return {"RAY_AUTH_TOKEN_PATH": str(file)}
