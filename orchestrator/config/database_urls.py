"""What a database's URL holds: variables of the environment, and passwords. Quick to import."""

import os
import re

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
