"""Imports a user's modules in a child process: none of their code runs in this one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from searchctl.orchestrator.core.errors import SearchctlError

LIMIT_S = 60.0
"""Seconds that all imports together may take."""
_LAST_LINES = 5


def import_apart(
    folder: Path, names: Iterable[str], limit_s: float = LIMIT_S, *, networks: Iterable[str] = ()
) -> tuple[str, ...]:
    """Import parts of a user, "module:object", as if Python had been started in a directory.

    Args:
        folder: the directory, which is the first one that is searched for modules.
        names: the parts.
        limit_s: seconds that this may take.
        networks: those of the parts that must be networks.

    Returns:
        The files below the directory, relative to it: of the modules, and of all that they import.

    Raises:
        SearchctlError: parts cannot be imported; each is named, with the lines of the user's files
            in its traceback. Or a part is no network. Or the imports take too long, or end the
            process.
    """
    listed = [*dict.fromkeys(names)]
    with TemporaryDirectory(prefix="searchctl-") as reports:
        report = Path(reports) / "report.json"
        command = [sys.executable, "-P", "-m", "searchctl.orchestrator.own_code.program"]
        process = subprocess.Popen(
            [*command, str(folder.absolute()), str(report), ",".join(networks), *listed],
            cwd=folder,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        printed = _printed(process, limit_s, ", ".join(listed))
        if not report.exists():
            raise SearchctlError(_ended(process.returncode, listed, printed))
        found = json.loads(report.read_text())
    if found["problems"]:
        raise SearchctlError(*found["problems"])
    return tuple(found["files"])


def _printed(process: subprocess.Popen[str], limit_s: float, names: str) -> str:
    """Wait for the process and all that it has started; return what it printed."""
    try:
        return process.communicate(timeout=limit_s)[0]
    except subprocess.TimeoutExpired:
        raise SearchctlError(
            f"importing {names} takes longer than {limit_s:g} s: a module that defines parts must "
            "only define them, and not train, download or wait"
        ) from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with process:  # close what it printed to
            process.wait()


def _ended(code: int, names: list[str], printed: str) -> str:
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    last = "\n".join(printed.strip().splitlines()[-_LAST_LINES:])
    return f"importing {', '.join(names)} ended its process {how}" + (f":\n{last}" if last else "")


def child_environment() -> dict[str, str]:
    """Return the environment of a child that imports what this process would."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
