"""The result of a check, and the input of all checks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.cluster_address import is_remote

Level = Literal["ok", "warning", "error"]
"""error: sweeps cannot run, or would lose data. warning: sweeps can run, but with a risk."""


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    level: Level
    what: str
    """Topic of the check in one or two words."""
    found: str
    """The observed fact."""
    fix: str = ""
    """What to do; empty for the level ok."""


@dataclass(frozen=True)
class About:
    """Input of the checks: database, cluster and sweep."""

    url: str | None
    """URL of the database; None if it is unknown."""
    address: str | None = None
    """Address of the Ray cluster; None starts Ray on this machine."""
    sweep: Sweep | None = None
    """The sweep to check for, if any."""
    source: Path | None = None
    """Its file."""

    @property
    def driven_elsewhere(self) -> bool:
        """Whether the driver is submitted to the cluster, so that files may be missing here."""
        return self.address is not None and is_remote(self.address)


Check = Callable[[About], Iterable[Finding]]
"""A check. If it raises an error, this becomes a finding."""


def ok(what: str, found: str) -> Finding:
    """Return a finding without a problem."""
    return Finding("ok", what, found)


def warning(what: str, found: str, fix: str) -> Finding:
    """Return a finding with a risk for sweeps."""
    return Finding("warning", what, found, fix)


def error(what: str, found: str, fix: str) -> Finding:
    """Return a finding that prevents sweeps."""
    return Finding("error", what, found, fix)
