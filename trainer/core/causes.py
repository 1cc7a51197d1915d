"""Problems of many files, a line for each cause."""

import re
from collections.abc import Iterable

_EXAMPLES = 3
_PATH_OR_NUMBER = re.compile(r"(?<!\S)\S*/\S+|\d+(\.\d+)?")


def by_cause(lines: Iterable[str]) -> list[str]:
    """Put problems of the same cause together: the words of the first, a count, three files.

    Words that differ in numbers and paths alone are of one cause.

    >>> by_cause(["m/a.png: has 16 bits", "the train split is empty", "m/b.png: has 12 bits"])
    ['m/a.png: has 16 bits (and so in 1 more file: m/b.png)', 'the train split is empty']
    """
    causes: dict[str, list[str]] = {}
    for line in lines:
        head, _, words = line.partition(": ")
        cause = _PATH_OR_NUMBER.sub("#", words) if "/" in head else line
        causes.setdefault(cause, []).append(line)
    return [_in_one(same) for same in causes.values()]


def _in_one(lines: list[str]) -> str:
    first, *others = lines
    if not others:
        return first
    files = [line.partition(": ")[0] for line in others]
    plural = "s" * (len(files) > 1)
    return f"{first} (and so in {len(files)} more file{plural}: {_first(files)})"


def _first(files: list[str]) -> str:
    shown = files[: _EXAMPLES - 1]
    return ", ".join(shown) + ", ..." * (len(files) > len(shown))
