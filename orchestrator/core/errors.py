"""Errors of the orchestrator: each message names the thing and the fix, and the command shows it.

SearchctlError              exit code 1
├── SweepExists             exit code 1
├── SweepNotFound           exit code 1
├── SchemaMismatch          exit code 1
├── SweepChanged            exit code 1
├── SweepBusy               exit code 1
├── LeaseLost               exit code 1
├── DatabaseFull            exit code 1: fix the disk, then resume
├── SweepBlocked            exit code 1: fix the files, then resume
├── DriverEnded             the exit code of the driver that was submitted
└── SweepFailed             exit code 3: it ran, and has no answer
"""


class SearchctlError(Exception):
    """Base of the errors that a user can fix; shown without a traceback."""


class SweepExists(SearchctlError):
    """A sweep of that name is in the database already."""


class SweepNotFound(SearchctlError):
    """The database holds no sweep, or no trial, of that name or number."""


class SchemaMismatch(SearchctlError):
    """The database was written by a newer or an older version of searchctl."""


class SweepChanged(SearchctlError):
    """The sweep file no longer says what the stored sweep computes."""


class SweepBusy(SearchctlError):
    """Another driver holds the sweep's lease, and is alive."""


class LeaseLost(SearchctlError):
    """Another driver has taken the sweep over; this one may write nothing any more."""


class DatabaseFull(SearchctlError):
    """The database cannot store anything more: its disk is full, or it may not be written to."""


class SweepBlocked(SearchctlError):
    """The data set, or the sweep's files, cannot be used; no trial is to blame."""


class DriverEnded(SearchctlError):
    """A driver that was submitted to a cluster ended before it was at work."""

    def __init__(self, message: str, exit_code: int | None) -> None:
        """Say what it printed, and how it ended; None if nobody knows."""
        super().__init__(message)
        self.exit_code = exit_code or 1


class SweepFailed(SearchctlError):
    """The sweep ended without an answer: no trial of a rung has a finite score."""
