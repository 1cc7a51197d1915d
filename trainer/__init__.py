"""Runs one trial at one rung: torch, timm-style networks, albumentations; never Ray, Optuna or SQL.

Importing this package does not import torch: `run_job` is loaded at its first use, so that
`searchctl validate` and `searchctl plan` start fast.
"""

import os
from typing import TYPE_CHECKING, Any

# albumentations asks the network for updates at import unless this is set before.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

from trainer.data_settings import DataSettings, Sample
from trainer.results import EpochRecord, Evaluation, JobResult
from trainer.settings import TrainSettings

if TYPE_CHECKING:
    from trainer.trial import run_job

__all__ = [
    "run_job",
    "DataSettings",
    "EpochRecord",
    "Evaluation",
    "JobResult",
    "Sample",
    "TrainSettings",
]


def __getattr__(name: str) -> Any:
    if name == "run_job":
        from trainer.trial import run_job

        return run_job
    raise AttributeError(f"module 'trainer' has no attribute {name!r}")
