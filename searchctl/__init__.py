"""Successive-halving hyperparameter search for semantic segmentation: the public names.

Importing this package imports nothing else: each name is loaded at its first use, so that the
command starts without torch and Ray.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from searchctl.orchestrator.config.load import load_sweep
    from searchctl.orchestrator.public.sweeps import StoredSweep, launch, list_sweeps, open_sweep
    from searchctl.trainer.script.report_epoch import report_epoch
    from searchctl.trainer.trained.loading import load_model

__all__ = [
    "load_sweep",
    "launch",
    "open_sweep",
    "list_sweeps",
    "load_model",
    "report_epoch",
    "StoredSweep",
]

_HOME = {
    "load_sweep": "searchctl.orchestrator.config.load",
    "launch": "searchctl.orchestrator.public.sweeps",
    "open_sweep": "searchctl.orchestrator.public.sweeps",
    "list_sweeps": "searchctl.orchestrator.public.sweeps",
    "load_model": "searchctl.trainer.trained.loading",
    "report_epoch": "searchctl.trainer.script.report_epoch",
    "StoredSweep": "searchctl.orchestrator.public.sweeps",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'searchctl' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
