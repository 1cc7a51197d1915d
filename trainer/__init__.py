"""Runs one trial at one rung: torch, timm-style networks, albumentations; never Ray, Optuna or SQL.

Importing this package imports neither torch nor numpy: what needs them is loaded at its first use,
so that `searchctl validate` and `searchctl plan` start fast.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# albumentations asks the network for updates at import unless this is set before.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

from trainer.data_settings import DataSettings, Sample
from trainer.settings import TrainSettings

if TYPE_CHECKING:
    from trainer.distributed.together import run_together
    from trainer.results import EpochRecord, Evaluation, JobResult
    from trainer.trial import run_job

__all__ = [
    "run_job",
    "run_together",
    "DataSettings",
    "EpochRecord",
    "Evaluation",
    "JobResult",
    "Sample",
    "TrainSettings",
]

_LAZY = {
    "run_job": "trainer.trial",
    "run_together": "trainer.distributed.together",
    "EpochRecord": "trainer.results",
    "Evaluation": "trainer.results",
    "JobResult": "trainer.results",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'trainer' has no attribute {name!r}")
