"""What a check is, and how a list of checks is run."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from searchctl.trainer.core.errors import TrainerError
from searchctl.trainer.own_code.calls import own_lines

Thing = TypeVar("Thing")


class CheckFailed(Exception):
    """A check failed; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Check(Generic[Thing]):
    """One fact that must hold of a part."""

    run: Callable[[Thing], str | None]
    """Returns, with a note or without one, if the fact holds.

    Raises CheckFailed or an error of the part's own code if it does not."""
    is_quick: bool = True
    """Whether it also runs before the first job of a sweep."""


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    part: str
    """Name of the part."""
    check: str
    """What was checked, in a few words."""
    problem: str | None = None
    """What is wrong, and what to do; None if nothing is."""
    note: str = ""
    """What else is to be known."""

    @property
    def line(self) -> str:
        """The finding in one line, and the lines of an error."""
        if self.problem is not None:
            return f"failed  {self.check}: {self.problem}"
        return f"ok      {self.check}" + (f" ({self.note})" if self.note else "")


def run_checks(
    name: str, thing: Thing, checks: Mapping[str, Check[Thing]], *, only_quick: bool = False
) -> Iterator[Finding]:
    """Yield the finding of each check, as soon as it is there.

    Args:
        name: of the part.
        thing: what the checks are given.
        checks: by what they check.
        only_quick: leave out those that take long.
    """
    for title, check in checks.items():
        if check.is_quick or not only_quick:
            problem, note = None, None
            try:
                note = check.run(thing)
            except (CheckFailed, TrainerError) as error:
                problem = str(error)
            except Exception as error:  # of code that is not ours
                problem = own_lines(error)
            yield Finding(name, title, problem, note or "")
