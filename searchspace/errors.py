"""The error class of this package, and the message for an unknown name."""

import difflib
from collections.abc import Iterable

Path = tuple[str | int, ...]
"""Path of an entry below `space:`, e.g. ("lr", "low") or ("points", 0, "model")."""
Problem = tuple[Path, str]
"""A path, and a message with the problem and its fix."""
MANY = 100
"""More names than this are not listed in a message."""


class SpaceError(ValueError):
    """The space is invalid.

    Attributes:
        problems: all problems that were found, each with its path.
    """

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{place(path)}: {message}" for path, message in problems))


def place(path: Path) -> str:
    """Return a path as text.

    >>> place(("points", 0, "model"))
    'points[0].model'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "space"


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return a message for an unknown name, with the closest known name.

    >>> unknown("key", "hihg", ["low", "high"])
    "unknown key 'hihg': did you mean 'high'?"
    >>> unknown("key", "x", ["low", "high"])
    "unknown key 'x': known are low, high"
    >>> unknown("encoder", "x", map(str, range(1000)))
    "unknown encoder 'x': 1000 are known"
    """
    names = list(known)
    if close := _close(name, names):
        return f"unknown {kind} '{name}': did you mean {' or '.join(map(repr, close))}?"
    listed = len(names) <= MANY
    fix = f"known are {', '.join(names)}" if listed else f"{len(names)} are known"
    return f"unknown {kind} '{name}': {fix}"


def _close(name: str, names: list[str]) -> list[str]:
    """Return the closest name, or of many the three closest; in any case if there is none else."""
    most = 1 if len(names) <= MANY else 3
    in_lower_case = {each.lower(): each for each in names}
    return difflib.get_close_matches(name, names, most) or [
        in_lower_case[each] for each in difflib.get_close_matches(name.lower(), in_lower_case, most)
    ]
