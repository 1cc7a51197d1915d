"""Trains one trial at one rung with torch, timm and albumentations; never imports Ray, Optuna, SQL.

The package loads each public name at its first use. So commands that only read a sweep do not wait
for torch, numpy or the settings.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# albumentations asks the network for updates at import unless this is set before.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

if TYPE_CHECKING:
    from searchctl.trainer.core.results import EpochRecord, Evaluation, JobResult
    from searchctl.trainer.data.settings import DataSettings, Sample
    from searchctl.trainer.ddp.launcher import run_distributed
    from searchctl.trainer.run.job import TrialJob
    from searchctl.trainer.run.trial import run_job
    from searchctl.trainer.settings.training import TrainSettings

__all__ = [
    "run_job",
    "run_distributed",
    "DataSettings",
    "EpochRecord",
    "Evaluation",
    "JobResult",
    "Sample",
    "TrainSettings",
    "TrialJob",
]

_LAZY = {
    "run_job": "searchctl.trainer.run.trial",
    "run_distributed": "searchctl.trainer.ddp.launcher",
    "DataSettings": "searchctl.trainer.data.settings",
    "EpochRecord": "searchctl.trainer.core.results",
    "Evaluation": "searchctl.trainer.core.results",
    "JobResult": "searchctl.trainer.core.results",
    "Sample": "searchctl.trainer.data.settings",
    "TrainSettings": "searchctl.trainer.settings.training",
    "TrialJob": "searchctl.trainer.run.job",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'trainer' has no attribute {name!r}")
