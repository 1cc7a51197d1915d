"""Reads annotation files in JSON; what is missing or of another kind is refused in plain words."""

import json
from pathlib import Path
from typing import Any

from searchctl.trainer.core.errors import DataError

_KINDS = {str: "a text", int: "a whole number", list: "a list", dict: "an object {..}"}
_SHOWN = 40
"""Characters of a wrong value in a message."""


def read_json(path: Path) -> Any:
    """Return the content of a file.

    Raises:
        DataError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: is no JSON (line {error.lineno}: {error.msg})") from None
    except (UnicodeDecodeError, RecursionError):
        raise DataError(f"{path}: is no JSON file of UTF-8 text") from None


def member(holder: Any, name: str, *kinds: type) -> Any:
    """Return a value of a JSON object.

    Raises:
        ValueError: the holder is no object, lacks the name, or the value is of none of the kinds.
    """
    if not isinstance(holder, dict):
        raise ValueError(f"{_shown(holder)} must be an object with '{name}'")
    if name not in holder:
        raise ValueError(f"has no '{name}'")
    value = holder[name]
    if isinstance(value, bool) or not isinstance(value, kinds):
        expected = " or ".join(_KINDS[kind] for kind in kinds)
        raise ValueError(f"'{name}' must be {expected}, not {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
