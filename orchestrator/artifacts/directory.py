"""The directory of a sweep's files."""

from upath import UPath

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.trainer.core.atomic_files import remove_file, write_atomically


def check_writable(folder: UPath, fix: str) -> None:
    """Make a directory if needed, and a file in it; a URL's directory too.

    Raises:
        SearchctlError: that cannot be done; ends with the `fix`.
    """
    try:
        write_atomically(folder / ".writable", b"")
        remove_file(folder / ".writable")
    except (OSError, ImportError) as error:  # ImportError: the package for s3:// is missing
        reason = getattr(error, "strerror", None) or error
        raise SearchctlError(f"cannot write to {folder}: {reason}; {fix}") from error


def runs_directory(sweep: Sweep) -> UPath:
    """Return the directory of a sweep's files, absolute: workers have another current one."""
    return (UPath(sweep.storage.runs) / sweep.name).absolute()
