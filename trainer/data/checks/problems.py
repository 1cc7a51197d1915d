"""Problems of many files, a line for each cause."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from searchctl.trainer.core.causes import by_cause
from searchctl.trainer.core.errors import DataError


class Problems:
    """Lines, each once, in the order in which they were found."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, lines: Iterable[str]) -> None:
        """Take note of problems: 'path: what is wrong', or what is wrong."""
        self._lines.update(dict.fromkeys(lines))

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Take note of a DataError, and continue after the block."""
        try:
            yield
        except DataError as error:
            self.add(error.every)

    @property
    def lines(self) -> tuple[str, ...]:
        """The problems, a line for each cause."""
        return tuple(by_cause(self._lines))
