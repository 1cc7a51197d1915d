"""Runs one trial at one rung: torch, timm-style networks, albumentations; never Ray, Optuna or SQL.

Importing this package imports nothing: each name is loaded at its first use, so that commands that
only look at a sweep need not wait for torch, numpy or the settings.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# albumentations asks the network for updates at import unless this is set before.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

if TYPE_CHECKING:
    from trainer.data_settings import DataSettings, Sample
    from trainer.distributed.together import run_together
    from trainer.results import EpochRecord, Evaluation, JobResult
    from trainer.settings import TrainSettings
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
    "DataSettings": "trainer.data_settings",
    "EpochRecord": "trainer.results",
    "Evaluation": "trainer.results",
    "JobResult": "trainer.results",
    "Sample": "trainer.data_settings",
    "TrainSettings": "trainer.settings",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'trainer' has no attribute {name!r}")
