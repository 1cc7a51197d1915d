"""Where things are kept when nothing else is said."""

import os
import re
from pathlib import Path

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_PASSWORD = re.compile(r"://[^/@]*?:([^@]*)@|password=([^&]*)")


def holds_password(url: str) -> bool:
    """Is a password written out in a database's URL, not left to a ${NAME}?"""
    return any(_VARIABLE.sub("", "".join(found)) for found in _PASSWORD.findall(url))


def undefined_variables(url: str) -> tuple[str, ...]:
    """Return the environment variables that a database's URL needs and that are not set."""
    return tuple(name for name in _VARIABLE.findall(url) if name not in os.environ)


def with_variables(url: str) -> str:
    """Return the URL with the values of the environment variables that it names.

    Raises:
        KeyError: one is not set.
    """
    return _VARIABLE.sub(lambda found: os.environ[found[1]], url)


DEFAULT_URL = "sqlite:///searchctl.db"
URL_VARIABLE = "SEARCHCTL_DB_URL"
URL_FILE_VARIABLE = "SEARCHCTL_DB_URL_FILE"


def database_url(option: str | None, stored: str | None = None) -> str:
    """Return the database's URL: --db, else the environment's, else the sweep file's, else here.

    The environment says it in $SEARCHCTL_DB_URL or, else, $SEARCHCTL_DB_URL_FILE names a file of
    mode 600 that holds it.

    Raises:
        SearchctlError: others may read that file, or it cannot be read.
    """
    return option or _of_environment() or stored or DEFAULT_URL


def db_option_for(url: str) -> str:
    """Return " --db URL" where a command would find another database without it; else nothing."""
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
