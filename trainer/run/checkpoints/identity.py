"""The identity of a job: a checkpoint fits jobs of the same identity."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from torch import Tensor

from searchctl.trainer.data.settings import PLACES, Sample
from searchctl.trainer.scores.catalog import Direction, ScoreName
from searchctl.trainer.settings.training import TrainSettings

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
