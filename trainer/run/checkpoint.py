"""Checkpoints: what a killed job goes on from, to the same result as if it had not been killed.

The file is what torch.save writes, with the SHA-256 of that after it.
"""

import hashlib
import io
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import Any

import torch
from upath import UPath

from searchctl.trainer.core.atomic_files import read_whole, remove_file, write_whole

FILE = "checkpoint.pt"
_DIGEST_BYTES = hashlib.sha256().digest_size

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A training after one of its epochs."""

    identity: str
    """Of the job that it belongs to (see identity.py)."""
    epoch: int
    """The last epoch that is done."""
    seconds: float
    """Spent on the job so far, by all attempts that led here."""
    training: Mapping[str, Any]
    """`Training.state_dict()`."""


def write_checkpoint(folder: UPath, checkpoint: Checkpoint) -> None:
    """Put a checkpoint in the place of the one before: at any moment, one of the two is there.

    Raises:
        OSError: it cannot be written; the one before is there still.
    """
    buffer = io.BytesIO()
    torch.save(vars(checkpoint), buffer)
    buffer.write(hashlib.sha256(buffer.getbuffer()).digest())
    write_whole(folder / FILE, buffer.getbuffer())


def newest_checkpoint(folders: Iterable[UPath], identity: str) -> Checkpoint | None:
    """Return the checkpoint of the latest epoch that these directories hold of a job.

    One that is damaged, or belongs to another job or other settings, counts as not there.

    Raises:
        OSError: the disk or the store does not answer.
    """
    found = (read_checkpoint(folder, identity) for folder in folders)
    return max(filter(None, found), key=lambda checkpoint: checkpoint.epoch, default=None)


def read_checkpoint(folder: UPath, identity: str) -> Checkpoint | None:
    """Return the directory's checkpoint of a job, its tensors on the CPU; None without a whole one.

    Runs no code, whatever the file holds.

    Raises:
        OSError: the disk or the store does not answer.
    """
    path = folder / FILE
    try:
        content = _checked(read_whole(path))
    except FileNotFoundError:
        return None
    if content is None:
        log.warning("%s is damaged, and is not used", path)
        return None
    if content.get("identity") != identity:
        log.warning("%s is of other settings or of another job, and is not used", path)
        return None
    return Checkpoint(**content)


def remove_checkpoint(folder: UPath) -> None:
    """Remove the directory's checkpoint, if there is one, and what killed writers have left.

    Raises:
        OSError: the disk or the store refuses.
    """
    remove_file(folder / FILE)


def _checked(file: bytes) -> dict[str, Any] | None:
    """Return what was saved; None if the file is not exactly what was once written."""
    saved, digest = memoryview(file)[:-_DIGEST_BYTES], file[-_DIGEST_BYTES:]
    if hashlib.sha256(saved).digest() != digest:
        return None
    try:
        content = torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError):  # whole, but nothing that we ever wrote
        return None
    return content if isinstance(content, dict) else None
