"""Where things are kept when nothing else is said, and whether they can be kept there."""

import os

from upath import UPath

from orchestrator.errors import SearchctlError

DEFAULT_URL = "sqlite:///searchctl.db"


def database_url(option: str | None, stored: str | None = None) -> str:
    """Return the database's URL: --db, else $SEARCHCTL_DB_URL, else the sweep file's, else here."""
    return option or os.environ.get("SEARCHCTL_DB_URL") or stored or DEFAULT_URL


def check_writable(folder: UPath, mend: str) -> None:
    """Make a directory if needed, and a file in it; a URL's directory too.

    Raises:
        SearchctlError: that cannot be done; ends with the `mend`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except Exception as error:  # an object store's library has errors of its own
        reason = getattr(error, "strerror", None) or error
        raise SearchctlError(f"cannot write to {folder}: {reason}; {mend}") from error
