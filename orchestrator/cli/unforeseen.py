"""Errors that searchctl did not foresee: a short message, and a file with the traceback."""

import os
import shlex
import sys
import tempfile
import traceback
from importlib.metadata import version

_LONGEST = 300
"""Characters of an error's text that are shown; the file has all of it."""


def unforeseen(error: Exception) -> str:
    """Save the traceback of an error, and return the message for the user.

    The file is readable to its user only: a traceback may hold names and paths.
    """
    text = " ".join(str(error).split())
    kind = type(error).__name__
    shown = f"{kind}: {text[:_LONGEST]}" if text else kind
    try:
        where = f"The traceback is in {_saved(error)}"
    except OSError as reason:
        where = f"The traceback cannot be saved ({reason})"
    hint = " More memory may help." if isinstance(error, MemoryError) else ""
    return f"searchctl did not foresee this: {shown}. {where}.{hint} Please report it."


def _saved(error: Exception) -> str:
    handle, file = tempfile.mkstemp(prefix="searchctl-error-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as output:
        output.write(f"searchctl {version('searchctl')}, Python {sys.version}\n")
        output.write(f"searchctl {shlex.join(sys.argv[1:])}\n\n")
        output.writelines(traceback.format_exception(error))
    return file
