"""The directory of a sweep's files."""

from upath import UPath

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.storage.rows import SweepRow
from searchctl.trainer.core.atomic_files import remove_file, write_atomically


def check_writable(folder: UPath, fix: str) -> None:
    """Check that a directory, local or by URL, can be written. Create it if needed.

    Args:
        folder: the directory.
        fix: end of the error message: what to do.

    Raises:
        SearchctlError: the directory cannot be written.
    """
    try:
        write_atomically(folder / ".writable", b"")
        remove_file(folder / ".writable")
    except (OSError, ImportError) as error:  # ImportError: the package for s3:// is missing
        reason = getattr(error, "strerror", None) or error
        raise SearchctlError(f"cannot write to {folder}: {reason}; {fix}") from error


def runs_directory(sweep: Sweep) -> UPath:
    """Return the directory of a sweep's files as an absolute path."""
    return (UPath(sweep.storage.runs) / sweep.name).absolute()


def stored_directory(row: SweepRow) -> UPath:
    """Return the directory of a stored sweep's files, whatever else its settings are."""
    return (UPath(row.spec["storage"]["runs"]) / row.name).absolute()
