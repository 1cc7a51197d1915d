"""What a check has found, and what all checks are told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.cluster_address import is_remote

Level = Literal["ok", "warning", "error"]
"""error: sweeps cannot run, or would lose something. warning: they can, and may regret it."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    """What was looked at: one or two words."""
    found: str
    fix: str = ""
    """What to do; nothing where it is in order."""


@dataclass(frozen=True)
class About:
    """What there is to look at."""

    url: str | None
    """Of the database; None where it could not be told."""
    address: str | None = None
    """Of the Ray cluster; None: one is started on this machine."""
    sweep: Sweep | None = None

    @property
    def driven_elsewhere(self) -> bool:
        """Is the driver submitted to the cluster? Data and files need not be on this machine."""
        return self.address is not None and is_remote(self.address)


Check = Callable[[About], Iterable[Finding]]
"""Looks at one thing. May raise: that is a finding too."""


def ok(what: str, found: str) -> Finding:
    """Return what is in order."""
    return Finding("ok", what, found)


def warning(what: str, found: str, fix: str) -> Finding:
    """Return what may be regretted."""
    return Finding("warning", what, found, fix)


def error(what: str, found: str, fix: str) -> Finding:
    """Return what no sweep can run with."""
    return Finding("error", what, found, fix)
