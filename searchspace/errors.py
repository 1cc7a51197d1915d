"""The one error of this package, and the words for a name that is not known."""

import difflib
from collections.abc import Iterable

Path = tuple[str | int, ...]
"""Where something is written, below `space:`, e.g. ("lr", "low") or ("points", 0, "model")."""
Problem = tuple[Path, str]
"""Where, and what is wrong there together with the fix."""


class SpaceError(ValueError):
    """A space that cannot be searched.

    Attributes:
        problems: every problem that was found, with its place.
    """

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{place(path)}: {message}" for path, message in problems))


def place(path: Path) -> str:
    """Write a path as people do.

    >>> place(("points", 0, "model"))
    'points[0].model'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "space"


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is not a known `kind`, and which name was probably meant.

    >>> unknown("key", "hihg", ["low", "high"])
    "unknown key 'hihg': did you mean 'high'?"
    >>> unknown("key", "x", ["low", "high"])
    "unknown key 'x': known are low, high"
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    fix = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(names)}"
    return f"unknown {kind} '{name}': {fix}"
