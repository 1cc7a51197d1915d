"""Checkpoints: what a killed job goes on from, to the same result as if it had not been killed.

The file is what torch.save writes, with the SHA-256 of that after it.
"""

import hashlib
import io
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor
from upath import UPath

from searchctl.trainer.core.atomic_files import read_file, remove_file, write_atomically
from searchctl.trainer.data.settings import PLACES, Sample
from searchctl.trainer.settings.training import Score, TrainSettings

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
    write_atomically(folder / FILE, buffer.getbuffer())


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
        content = _checked(read_file(path))
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


CHECKPOINT_FORMAT = 3
"""Raised when what a checkpoint holds changes: older ones are then not gone on from."""

_LEFT_OUT = {"loader_workers", "init", "weights"}


def identity_of(
    settings: TrainSettings,
    sample: Sample,
    *,
    rung: int,
    score: Score,
    sample_hash: str,
    data_fingerprint: str,
    init_from: str | None,
    network: Mapping[str, Tensor],
) -> str:
    """Return a hash of all that a job's numbers depend on: 64 hexadecimal digits.

    Not in it: the number of loader workers, which changes nothing, and where the data and a file of
    initial weights lie (what that file holds is). The device and the versions of the libraries are
    not in it either: a job may go on on another machine, though its last digits may then differ.

    Args:
        settings: with the trial's params in their place.
        sample: what is trained on.
        rung: the level of the ladder, a part of the seeds.
        score: what the kept epoch goes by.
        sample_hash: fingerprint of the names of the sample's images.
        data_fingerprint: fingerprint of the names and sizes of the data set's files.
        init_from: fingerprint of the file of initial weights; None for fresh ones.
        network: the state dict, for its names and shapes.
    """
    parts = {
        "format": CHECKPOINT_FORMAT,
        "settings": settings.model_dump(mode="json", exclude=_LEFT_OUT),
        "data": sample.data.model_dump(mode="json", exclude=set(PLACES)),
        "sample": [sample.images, sample.seed, sample.whole, sample_hash, data_fingerprint],
        "rung": rung,
        "score": score,
        "init_from": init_from,
        "network": [(name, list(tensor.shape)) for name, tensor in network.items()],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
