"""A stored value that contradicts the other rows."""

from collections.abc import Iterator
from dataclasses import dataclass

from searchctl.orchestrator.halving.job_key import JobKey


@dataclass(frozen=True)
class Discrepancy:
    """A stored value that does not follow from the other rows."""

    rung: int | None
    trial: int
    what: str
    stored: object
    derived: object
    source: str
    """The rows that the derived value follows from."""

    def __str__(self) -> str:
        place = "" if self.rung is None else f"rung {self.rung}, "
        return (
            f"{place}trial {self.trial}: {self.what} is {self.stored!r}, "
            f"but {self.derived!r} by {self.source}"
        )


def wrong(key: JobKey, what: str, stored: object, derived: object, source: str) -> Discrepancy:
    """Return the discrepancy of a job."""
    which = "" if key.kind == "ladder" else f" ({key.place})"
    return Discrepancy(key.rung, key.trial, what + which, stored, derived, source)


def unless_same(
    rung: int | None, trial: int, what: str, stored: object, derived: object, source: str
) -> Iterator[Discrepancy]:
    """Yield the discrepancy of a trial, at a rung or in the sweep, if there is one."""
    if stored != derived:
        yield Discrepancy(rung, trial, what, stored, derived, source)
