"""Checkpoints: a killed job resumes from one, to the same result as if it had not been killed.

The file is what torch.save writes, with the CRC-32 of that after it: it finds what a kill or a disk
left damaged, for a third of a SHA-256's time.
"""

import io
import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import Any

import torch
from upath import UPath

from searchctl.trainer.core.atomic_files import read_file, remove_file, write_atomically
from searchctl.trainer.core.errors import SettingsError

FILE = "checkpoint.pt"
_CHECKSUM_BYTES = 4

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A training after one of its epochs."""

    identity: str
    """Identity of its job (see `identity_of`)."""
    epoch: int
    """The last epoch that was trained."""
    seconds: float
    """Seconds of the job so far, over all attempts that led to it."""
    training: Mapping[str, Any]
    """`Training.state_dict()`."""


def write_checkpoint(folder: UPath, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint atomically: at any moment, the old one or the new one is there.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    buffer = io.BytesIO()
    with _one_checksum():
        torch.save(vars(checkpoint), buffer)
    buffer.write(checksum(buffer.getbuffer()))
    write_atomically(folder / FILE, buffer.getbuffer())


def newest_checkpoint(
    folders: Iterable[UPath], identity: str, *, refuse_others: bool = False
) -> Checkpoint | None:
    """Return the checkpoint of the latest epoch that these directories hold of a job.

    A damaged one is ignored, and so is one of another job or of other settings, unless
    `refuse_others` is set.

    Raises:
        SettingsError: one is refused.
        OSError: the disk or the store cannot be read.
    """
    found = [read_checkpoint(each, identity, refuse_others=refuse_others) for each in folders]
    return max(filter(None, found), key=lambda checkpoint: checkpoint.epoch, default=None)


def read_checkpoint(
    folder: UPath, identity: str, *, refuse_others: bool = False
) -> Checkpoint | None:
    """Return the directory's checkpoint of a job, its tensors on the CPU; None without a valid one.

    Executes no code from the file.

    Raises:
        SettingsError: it is of another job or of other settings, or damaged, and `refuse_others`
            is set.
        OSError: the disk or the store cannot be read.
    """
    path = folder / FILE
    try:
        content = _checked(read_file(path))
    except FileNotFoundError:
        return None
    if content is None and refuse_others:
        raise SettingsError(
            f"{path} is damaged, or of another program, and would be replaced: write to another "
            "directory (-o), or replace it (--overwrite)"
        )
    if content is None:
        log.warning("%s is damaged, and is not used", path)
        return None
    if content.get("identity") != identity and refuse_others:
        raise SettingsError(
            f"{path} is of a training with other settings or data, after {content.get('epoch')} "
            "epochs, and would be replaced: continue it by the command that started it, write to "
            "another directory (-o), or replace it (--overwrite)"
        )
    if content.get("identity") != identity:
        log.warning("%s is of other settings or of another job, and is not used", path)
        return None
    return Checkpoint(**content)


def remove_checkpoint(folder: UPath) -> None:
    """Remove the directory's checkpoint, if any, and the temporary files of killed writers.

    Raises:
        OSError: it cannot be removed.
    """
    remove_file(folder / FILE)


def _checked(file: bytes) -> dict[str, Any] | None:
    """Return the saved content; None if the file is not exactly as it was written."""
    saved, stored = memoryview(file)[:-_CHECKSUM_BYTES], file[-_CHECKSUM_BYTES:]
    if checksum(saved) != stored:
        return None
    try:
        content = torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError):  # intact, but not written by this code
        return None
    return content if isinstance(content, dict) else None


def checksum(content: bytes | memoryview) -> bytes:
    """Return the CRC-32 that follows the content in the file."""
    return zlib.crc32(content).to_bytes(_CHECKSUM_BYTES, "big")


@contextmanager
def _one_checksum() -> Iterator[None]:
    """Keep torch.save from computing checksums, which torch.load does not read."""
    computed = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        yield
    finally:
        torch.serialization.set_crc32_options(computed)
