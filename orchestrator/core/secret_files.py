"""Reads secrets from files that only their owner can read."""

from pathlib import Path

from searchctl.orchestrator.core.errors import SearchctlError


def others_may_read(file: Path) -> bool:
    """Return whether the file's mode grants any access to other users."""
    return bool(file.stat().st_mode & 0o077)


def read_secret(file: Path, what: str) -> str:
    """Return a file's content without the white space around it.

    Args:
        file: the file; its mode must be 600 or stricter.
        what: name of the secret for error messages: "the token".

    Raises:
        SearchctlError: the file cannot be read, or other users can read it. The message does not
            quote the content.
    """
    try:
        others = others_may_read(file)
        secret = file.read_text().strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise SearchctlError(f"cannot read {what} from {file}: {reason}") from error
    if others:
        raise SearchctlError(f"other users can read {what} in {file}: run `chmod 600 {file}`")
    return secret
