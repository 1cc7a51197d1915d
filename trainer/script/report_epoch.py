"""The function that a user's script calls after each epoch. Imports the standard library alone."""

import json
import os
from typing import Any

REPORT_VARIABLE = "SEARCHCTL_REPORT"
"""Environment variable with the path of the file to which reports are appended."""


def report_epoch(epoch: int, **values: Any) -> None:
    """Report an epoch to searchctl; outside of a sweep, print it.

    One process reports, where several train together.

    Args:
        epoch: number of the epoch, from 1.
        values: its scores, by name: numbers, also NumPy's and torch's of one element. Among them
            the sweep's score. Also `train_loss`, `val_loss`, `lr`, `images` and `seconds`; and
            `weights` and `counts`, names of files in the directory `out`.

    Raises:
        TypeError: a value is neither a number nor a text.
    """
    line = json.dumps({"epoch": int(epoch), **{n: _plain(n, v) for n, v in values.items()}})
    path = os.environ.get(REPORT_VARIABLE)
    if path is None:
        print(line, flush=True)
        return
    with open(path, "ab", buffering=0) as file:
        file.write(f"{line}\n".encode())  # one write: a reader sees the line as a whole


def _plain(name: str, value: object) -> object:
    if value is None or isinstance(value, (int, float, str)):
        return value
    if hasattr(value, "__fspath__"):
        return os.fspath(value)
    try:
        return float(value)  # type: ignore[arg-type]  # of NumPy or torch
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name} must be a number or a text, not {type(value).__name__}") from None
