"""When are two jobs the same? If they ask for the same numbers, wherever they run."""

import hashlib
import json
from collections.abc import Mapping

from torch import Tensor

from searchctl.trainer.data.settings import PLACES, Sample
from searchctl.trainer.settings.training import Score, TrainSettings

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
