"""The searchctl command in this process: no seconds for a new Python that imports torch."""

import contextlib
import gc
import os
import sys
import warnings
from subprocess import CompletedProcess
from unittest import mock

from click.testing import CliRunner

from searchctl.orchestrator.cli.main import main


def searchctl(*arguments, cwd, env=()):
    """Run the command to its end, errors as its users see them; return what it printed."""
    command = ["searchctl", *map(str, arguments)]
    environment = {"SEARCHCTL_DB_URL": None, "COLUMNS": "200", **dict(env)}
    runner = CliRunner(env=environment)
    with (
        warnings.catch_warnings(),
        contextlib.chdir(cwd),
        mock.patch.object(sys, "argv", command),
        runner.isolation() as (out, err, _),
    ):
        warnings.simplefilter("ignore", ResourceWarning)  # a process leaves all to its end
        code = _exit_code()
        gc.collect()
    texts = (stream.getvalue().decode().replace(os.linesep, "\n") for stream in (out, err))
    return CompletedProcess(command, code, *texts)


def _exit_code():
    umask = os.umask(0o022)
    os.umask(umask)
    try:
        main()
    except SystemExit as end:
        return end.code or 0
    finally:
        os.umask(umask)  # the command closes its files to others, which a process would take away
    return 0
