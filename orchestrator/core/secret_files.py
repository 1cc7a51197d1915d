"""Reads secrets from files that nobody but their owner can read."""

from pathlib import Path

from searchctl.orchestrator.core.errors import SearchctlError


def others_may_read(file: Path) -> bool:
    """Say whether a file is open to anybody but its owner."""
    return bool(file.stat().st_mode & 0o077)


def read_secret(file: Path, what: str) -> str:
    """Return what a file holds, without the white space around it.

    Args:
        file: the file, of mode 600 or less.
        what: what it holds, for people: "the token".

    Raises:
        SearchctlError: others may read it, or it cannot be read; quotes nothing of it.
    """
    try:
        others = others_may_read(file)
        secret = file.read_text().strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SearchctlError(f"cannot read {what} of {file}: {reason}") from error
    if others:
        raise SearchctlError(f"others may read {what} of {file}: run `chmod 600 {file}`")
    return secret
