"""Errors of the orchestrator. Each message says what is wrong, where, and what to do.

SearchctlError              exit code 1
├── SweepExists             exit code 1
├── SweepNotFound           exit code 1
├── SchemaMismatch          exit code 1
├── SweepChanged            exit code 1
├── SweepBusy               exit code 5: another process drives the sweep
├── LeaseLost               exit code 1
├── DatabaseFull            exit code 1: fix the disk, then resume
├── DatabaseGone            exit code 1: put the file back, then resume
├── SweepBlocked            exit code 1: fix the files, then resume
├── CannotStart             exit code 1: fix the resources or the address, then resume
├── DriverEnded             the exit code of the driver that was submitted
└── SweepFailed             exit code 3: the sweep ran and has no winner
"""


class SearchctlError(Exception):
    """Base of all errors that a user can fix. The command line shows them without a traceback.

    Attributes:
        messages: what is wrong; several where several things were found at once.
    """

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


class SweepExists(SearchctlError):
    """The database already holds a sweep of this name."""


class SweepNotFound(SearchctlError):
    """The database holds no sweep of this name, or the sweep has no trial of this number."""


class SchemaMismatch(SearchctlError):
    """The database schema belongs to a newer or an older version of searchctl."""


class SweepChanged(SearchctlError):
    """The sweep file differs from the stored sweep in a setting that changes its results."""


class SweepBusy(SearchctlError):
    """Another live driver holds the sweep's lease."""


class LeaseLost(SearchctlError):
    """Another driver has taken over the sweep. This driver must not write any more."""


class DatabaseFull(SearchctlError):
    """The database cannot be written: its disk is full, or it is read-only."""


class DatabaseGone(SearchctlError):
    """The file of the database was deleted or replaced while it was in use."""


class SweepBlocked(SearchctlError):
    """The data set or the sweep's files cannot be used. This is not a trial's fault."""


class CannotStart(SearchctlError):
    """Ray does not start or answer, or this machine is too small for one trial: none has run."""


class DriverEnded(SearchctlError):
    """A submitted driver ended before it started to work on its sweep."""

    def __init__(self, message: str, exit_code: int | None) -> None:
        """Create the error.

        Args:
            message: the output of the driver.
            exit_code: its exit code; None if it is unknown.
        """
        super().__init__(message)
        self.exit_code = exit_code or 1


class SweepFailed(SearchctlError):
    """The sweep ended without a winner: no trial of a rung has a finite score."""
