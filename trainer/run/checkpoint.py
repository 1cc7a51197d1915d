"""Checkpoints: a killed job resumes from one, to the same result as if it had not been killed.

The file is what torch.save writes, with the SHA-256 of that after it.
"""

import hashlib
import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor
from upath import UPath

from searchctl.trainer.core.atomic_files import read_file, remove_file, write_atomically
from searchctl.trainer.data.settings import PLACES, Sample
from searchctl.trainer.scores.catalog import Direction, ScoreName
from searchctl.trainer.settings.training import TrainSettings

FILE = "checkpoint.pt"
_DIGEST_BYTES = hashlib.sha256().digest_size

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
    torch.save(vars(checkpoint), buffer)
    buffer.write(hashlib.sha256(buffer.getbuffer()).digest())
    write_atomically(folder / FILE, buffer.getbuffer())


def newest_checkpoint(folders: Iterable[UPath], identity: str) -> Checkpoint | None:
    """Return the checkpoint of the latest epoch that these directories hold of a job.

    A damaged one, or one of another job or of other settings, is ignored.

    Raises:
        OSError: the disk or the store cannot be read.
    """
    found = (read_checkpoint(folder, identity) for folder in folders)
    return max(filter(None, found), key=lambda checkpoint: checkpoint.epoch, default=None)


def read_checkpoint(folder: UPath, identity: str) -> Checkpoint | None:
    """Return the directory's checkpoint of a job, its tensors on the CPU; None without a valid one.

    Executes no code from the file.

    Raises:
        OSError: the disk or the store cannot be read.
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
    """Remove the directory's checkpoint, if any, and the temporary files of killed writers.

    Raises:
        OSError: it cannot be removed.
    """
    remove_file(folder / FILE)


def _checked(file: bytes) -> dict[str, Any] | None:
    """Return the saved content; None if the file is not exactly as it was written."""
    saved, digest = memoryview(file)[:-_DIGEST_BYTES], file[-_DIGEST_BYTES:]
    if hashlib.sha256(saved).digest() != digest:
        return None
    try:
        content = torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError):  # intact, but not written by this code
        return None
    return content if isinstance(content, dict) else None


CHECKPOINT_FORMAT = 4
"""Incremented when the content of checkpoints changes: older ones are then ignored."""


def identity_of(
    settings: TrainSettings,
    sample: Sample,
    *,
    score: ScoreName,
    direction: Direction | None = None,
    recorded: Sequence[ScoreName] = (),
    sample_hash: str,
    data_fingerprint: str,
    init_from: str | None,
    network: Mapping[str, Tensor],
    code: str | None = None,
) -> str:
    """Return a hash of everything that a job's numbers depend on: 64 hexadecimal digits.

    Left out are the number of loader workers, which changes nothing, options of parts that the
    trial does not use, and the locations of the data and of a file of initial weights (the file's
    content is included). The device and the versions of the libraries are left out too: a job may
    resume on another machine, though its last digits may then differ.

    Args:
        settings: with the trial's params in their place.
        sample: the training images.
        score: selects the kept epoch.
        direction: of a score that searchctl does not know; None for the others.
        recorded: other scores that the checkpoint's records hold.
        sample_hash: fingerprint of the names of the sample's images.
        data_fingerprint: fingerprint of the names and sizes of the data set's files.
        init_from: fingerprint of the file of initial weights; None for fresh ones.
        network: the state dict, for its names and shapes.
        code: hash of the user's own code; None without any.
    """
    parts = {
        "format": CHECKPOINT_FORMAT,
        "settings": settings.content(),
        "data": sample.data.model_dump(mode="json", exclude=set(PLACES)),
        "sample": [sample.images, sample.seed, sample.whole, sample_hash, data_fingerprint],
        "score": score,
        "init_from": init_from,
        "direction": direction,
        "network": [(name, list(tensor.shape)) for name, tensor in network.items()],
        **({"recorded": list(recorded)} if recorded else {}),
        **({"code": code} if code else {}),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
