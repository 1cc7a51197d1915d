"""The database's URL: its default, its environment variables, and passwords in it."""

import os
import re
from pathlib import Path

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_PASSWORD = re.compile(r"://[^/@]*?:([^@]*)@|password=([^&]*)")


def holds_password(url: str) -> bool:
    """Return whether a database URL contains a literal password, rather than ${NAME}."""
    return any(_VARIABLE.sub("", "".join(found)) for found in _PASSWORD.findall(url))


def undefined_variables(url: str) -> tuple[str, ...]:
    """Return the unset environment variables that a database URL refers to."""
    return tuple(name for name in _VARIABLE.findall(url) if name not in os.environ)


def with_variables(url: str) -> str:
    """Return the URL with each ${NAME} replaced by the value of that environment variable.

    Raises:
        KeyError: a variable is not set.
    """
    return _VARIABLE.sub(lambda found: os.environ[found[1]], url)


DEFAULT_URL = "sqlite:///searchctl.db"
URL_VARIABLE = "SEARCHCTL_DB_URL"
URL_FILE_VARIABLE = "SEARCHCTL_DB_URL_FILE"


def database_url(option: str | None, stored: str | None = None) -> str:
    """Return the database's URL from the first source that has one.

    The order is: the option --db, $SEARCHCTL_DB_URL, the file of mode 600 that
    $SEARCHCTL_DB_URL_FILE names, the sweep file, and a file in the current directory.

    Raises:
        SearchctlError: the file with the URL cannot be read, or other users can read it.
    """
    return option or _of_environment() or stored or DEFAULT_URL


def db_option_for(url: str) -> str:
    """Return " --db URL" if a command needs it to find this database; an empty text otherwise."""
    from searchctl.orchestrator.storage.connect import shown

    if url == database_url(None):
        return ""
    return f" --db {shown(url)}"


def _of_environment() -> str | None:
    if url := os.environ.get(URL_VARIABLE):
        return url
    if not (file := os.environ.get(URL_FILE_VARIABLE)):
        return None
    from searchctl.orchestrator.core.secret_files import read_secret

    return read_secret(Path(file), f"the database's URL (${URL_FILE_VARIABLE})") or None
