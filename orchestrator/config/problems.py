"""The problems of a sweep file: each with its line, its place in the file, and the fix."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.searchspace.errors import Path, place


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file."""

    path: Path
    """Where in the file: keys and positions from the top, e.g. ("space", "model", 1)."""
    message: str
    """What is wrong, and the fix."""
    file: str = ""
    """Name of the file; empty for what does not come from one."""
    line: int | None = None
    """Line of the key, or of the nearest one above it that exists; counted from 1."""

    def __str__(self) -> str:
        source = (
            f"{self.file}:{self.line} "
            if self.file and self.line
            else self.file and f"{self.file} "
        )
        where = f"{place(self.path)}: " if self.path else ""
        return f"{source}{where}{self.message}"


class SweepError(SearchctlError):
    """A sweep file that cannot be read or launched; the message has one line per problem.

    Attributes:
        problems: all that was found, in the order of the file.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        super().__init__(*map(str, self.problems))


def locate(lines: Mapping[Path, int], path: Path) -> int | None:
    """Return the line of a path, or of the nearest one above it that was written."""
    for length in range(len(path), -1, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None
