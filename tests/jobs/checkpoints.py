"""Checkpoints of running jobs, which a thread writes while the job continues."""

import io
import time
from collections.abc import Callable
from typing import Any

import torch
from upath import UPath

from searchctl.trainer.core.atomic_files import read_file
from searchctl.trainer.core.results import EpochRecord


def stored(folder: Any) -> dict[str, Any]:
    """Return the content of a directory's checkpoint; that of epoch 0 if there is none."""
    try:
        content = read_file(UPath(folder) / "checkpoint.pt")
    except FileNotFoundError:
        return {"epoch": 0}
    return torch.load(io.BytesIO(content), weights_only=True)


def when_written(
    folder: Any, on_epoch: Callable[[EpochRecord], None] | None = None, patience_s: float = 60
) -> Callable[[EpochRecord], None]:
    """Return an `on_epoch` that waits for the epoch's checkpoint, then calls another one.

    The job must write one after every epoch (`checkpoint_every_s=0`).
    """

    def wait(record: EpochRecord) -> None:
        deadline = time.monotonic() + patience_s
        while stored(folder)["epoch"] < record.epoch:
            assert time.monotonic() < deadline, f"no checkpoint of epoch {record.epoch}"
            time.sleep(0.002)
        if on_epoch:
            on_epoch(record)

    return wait
