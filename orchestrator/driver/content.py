"""What a job computes, as a hash: two jobs of one hash give the same numbers on equal hardware."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from searchctl.orchestrator.executors.job import JobAttempt
from searchctl.trainer.data.settings import PLACES

_NUMERIC = (
    "numerics",
    "torch",
    "numpy",
    "timm",
    "albumentations",
    "opencv-python-headless",
    "pillow",
)
"""Entries of `versions()` on which numbers depend."""


def content_hash(
    job: JobAttempt,
    *,
    data_fingerprint: str,
    initial_weights: Sequence[str],
    versions: Mapping[str, str],
) -> str:
    """Return 64 hexadecimal digits of all that a job's numbers and files depend on.

    Left out is where it runs: its hardware is known at its end only.

    Args:
        job: the job.
        data_fingerprint: of the data set's files, by content.
        initial_weights: hashes of the files of its initial weights; of the job whose weights it
            continues from, that job's content hash.
        versions: of the packages, as `versions()` gives them.
    """
    parts = {
        "settings": job.trial_settings.content(),
        "data": job.sample.data.model_dump(mode="json", exclude=set(PLACES)),
        "sample": [job.sample.images, job.sample.seed, job.sample.whole, data_fingerprint],
        "score": [job.score, job.direction, job.recorded],
        "initial_weights": list(initial_weights),
        "code": job.code.hash if job.code else None,
        "processes": job.processes,
        "on_gpu": bool(job.gpus),
        "final": [job.final, job.inference.model_dump(mode="json") if job.final else None],
        "files": [job.masks, job.features, job.keep_weights],
        "versions": {name: versions.get(name) for name in _NUMERIC},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
