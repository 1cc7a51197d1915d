"""Decides which trial is next, where it runs, and what is kept; `searchctl` is here.

The command's verbs from Python: `load_sweep`, `launch_sweep`, `best`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.api import best, launch_sweep
    from orchestrator.sweep import load_sweep

__all__ = ["load_sweep", "launch_sweep", "best"]

_HOME = {
    "load_sweep": "orchestrator.sweep",
    "launch_sweep": "orchestrator.api",
    "best": "orchestrator.api",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: the command must start without torch and Ray."""
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module 'orchestrator' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
