"""Problems of a sweep file. Each has its line, its path in the file, and the fix."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.searchspace.errors import Path, place


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file."""

    path: Path
    """Keys and list positions from the top of the file, e.g. ("space", "model", 1)."""
    message: str
    """What is wrong, and the fix."""
    file: str = ""
    """Name of the file; empty if the values do not come from a file."""
    line: int | None = None
    """Line of the key, or of its nearest parent in the file; counted from 1."""

    def __str__(self) -> str:
        source = (
            f"{self.file}:{self.line} "
            if self.file and self.line
            else self.file and f"{self.file} "
        )
        where = f"{place(self.path)}: " if self.path else ""
        return f"{source}{where}{self.message}"


class SweepError(SearchctlError):
    """A sweep file cannot be read or launched. The message has one line per problem.

    Attributes:
        problems: all problems, in the order of the file.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        super().__init__(*map(str, self.problems))


def locate(lines: Mapping[Path, int], path: Path) -> int | None:
    """Return the line of a path, or of its nearest parent in the file."""
    for length in range(len(path), -1, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None
