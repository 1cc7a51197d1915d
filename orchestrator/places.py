"""Where things are kept when nothing else is said."""

import os
from pathlib import Path

from orchestrator.sweep import Sweep

DEFAULT_URL = "sqlite:///searchctl.db"


def database_url(option: str | None, sweep: Sweep | None = None) -> str:
    """Return the database's URL: the option, else $SEARCHCTL_DB_URL, else the sweep's, else here."""
    stored = sweep.storage.database_url() if sweep else None
    return option or os.environ.get("SEARCHCTL_DB_URL") or stored or DEFAULT_URL


def runs_directory(sweep: Sweep) -> Path:
    """Return the directory of a sweep's files, absolute: workers have another current one."""
    return (sweep.storage.runs / sweep.name).absolute()
