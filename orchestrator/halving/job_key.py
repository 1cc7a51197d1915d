"""What names a job: a trial at a rung, on the ladder or after it."""

from typing import Literal, NamedTuple, Protocol

Kind = Literal["ladder", "repeat", "audit"]
"""ladder: by its score the trial is ranked. The others come after the ladder, on all of the data,
and decide nothing. repeat: a finalist with another seed. audit: a trial that was pruned."""

LADDER: tuple[Kind, ...] = ("ladder",)
AFTER: tuple[Kind, ...] = ("repeat", "audit")
ALL: tuple[Kind, ...] = (*LADDER, *AFTER)


class JobKey(NamedTuple):
    """Names one job of a sweep."""

    trial: int
    rung: int
    kind: Kind = "ladder"
    repeat: int = 0
    """Which of its trial's repeats, counted from 1; 0 for the other kinds."""

    @property
    def top_folder(self) -> str:
        """Where its files lie below the sweep's directory, with those of other rungs.

        >>> JobKey(7, 2).top_folder, JobKey(7, 4, "repeat", 1).top_folder
        ('trial-0007', 'trial-0007-repeat-1')
        """
        after = "" if self.kind == "ladder" else f"-{self.kind}-{self.repeat}"
        return f"trial-{self.trial:04d}{after}"

    @property
    def folder(self) -> str:
        """Where its files lie below the sweep's directory.

        >>> JobKey(7, 4, "audit").folder
        'trial-0007-audit-0/rung-4'
        """
        return f"{self.top_folder}/rung-{self.rung}"

    @property
    def place(self) -> str:
        """Name the job's place in its sweep, without its trial, for people.

        >>> JobKey(7, 2).place, JobKey(7, 4, "repeat", 1).place, JobKey(7, 4, "audit").place
        ('rung 2', 'repeat 1', 'audit')
        """
        if self.kind == "ladder":
            return f"rung {self.rung}"
        return f"repeat {self.repeat}" if self.kind == "repeat" else self.kind


class Named(Protocol):
    """What has the parts of a job's key: a job, or a row about one."""

    @property
    def trial(self) -> int:
        """Number of its trial."""

    @property
    def rung(self) -> int:
        """Number of its rung."""

    @property
    def kind(self) -> Kind:
        """Whether it is on the ladder."""

    @property
    def repeat(self) -> int:
        """Which of its trial's repeats."""


def key_of(named: Named) -> JobKey:
    """Return the key of a job, or of what a row is about."""
    return JobKey(named.trial, named.rung, named.kind, named.repeat)
