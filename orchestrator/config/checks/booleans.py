"""Finds `true` where a number is meant, which pydantic would read as 1."""

from collections.abc import Iterator

from searchctl.searchspace.errors import Path


def booleans_read_as_numbers(
    given: object, read: object, path: Path = ()
) -> Iterator[tuple[Path, str]]:
    """Yield a problem for each boolean of a file that a setting took for a number.

    >>> list(booleans_read_as_numbers({"a": True, "b": True}, {"a": 1, "b": True}))
    [(('a',), 'must be a number, not true')]
    """
    if isinstance(given, bool):
        if isinstance(read, int | float) and not isinstance(read, bool):
            yield path, f"must be a number, not {str(given).lower()}"
    elif isinstance(given, dict) and isinstance(read, dict):
        for key in given:
            yield from booleans_read_as_numbers(given[key], read.get(key), (*path, key))
    elif isinstance(given, list) and isinstance(read, list):
        for place, pair in enumerate(zip(given, read, strict=False)):
            yield from booleans_read_as_numbers(*pair, (*path, place))
