"""The key of a job: a trial at a rung, on the ladder or in the follow-up."""

from typing import Literal, NamedTuple, Protocol

Kind = Literal["ladder", "repeat", "audit"]
"""ladder: its score ranks the trial. repeat: a finalist with another seed. audit: a pruned trial,
or the winner for comparison. Repeats and audits follow the ladder, use all of the data, and change
no cut."""

LADDER: tuple[Kind, ...] = ("ladder",)
AFTER: tuple[Kind, ...] = ("repeat", "audit")
ALL: tuple[Kind, ...] = (*LADDER, *AFTER)


class JobKey(NamedTuple):
    """Identifies one job of a sweep."""

    trial: int
    rung: int
    kind: Kind = "ladder"
    repeat: int = 0
    """Number of the repeat, counted from 1; 0 with the sweep's own seed. An audit has number 1, or
    0 in sweeps of older versions."""

    @property
    def top_folder(self) -> str:
        """Directory of the trial's files below the sweep's directory; all its rungs share it.

        >>> JobKey(7, 2).top_folder, JobKey(7, 4, "repeat", 1).top_folder
        ('trial-0007', 'trial-0007-repeat-1')
        """
        after = "" if self.kind == "ladder" else f"-{self.kind}-{self.repeat}"
        return f"trial-{self.trial:04d}{after}"

    @property
    def folder(self) -> str:
        """Directory of the job's files below the sweep's directory.

        >>> JobKey(7, 4, "audit").folder
        'trial-0007-audit-0/rung-4'
        """
        return f"{self.top_folder}/rung-{self.rung}"

    @property
    def place(self) -> str:
        """The job's rung, repeat or audit in words, without its trial.

        >>> JobKey(7, 2).place, JobKey(7, 4, "repeat", 1).place, JobKey(7, 4, "audit").place
        ('rung 2', 'repeat 1', 'audit')
        """
        if self.kind == "ladder":
            return f"rung {self.rung}"
        return f"repeat {self.repeat}" if self.kind == "repeat" else self.kind


class HasJobKey(Protocol):
    """An object with the parts of a job's key: a job, or a database row about one."""

    @property
    def trial(self) -> int:
        """Number of the trial."""

    @property
    def rung(self) -> int:
        """Number of the rung."""

    @property
    def kind(self) -> Kind:
        """Ladder, repeat or audit."""

    @property
    def repeat(self) -> int:
        """Number of the repeat; 0 for the other kinds."""


def key_of(job: HasJobKey) -> JobKey:
    """Return the key of a job or of a database row about one."""
    return JobKey(job.trial, job.rung, job.kind, job.repeat)
