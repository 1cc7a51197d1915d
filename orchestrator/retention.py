"""Which files of a sweep are still needed, pure: stored rows in, what becomes of a file out.

    runs/<sweep>/trial-0007/rung-2/<token of the attempt>/checkpoint.pt, model.safetensors,
        features.png

Verdicts and finished jobs are final. So what may go once may go for ever, and rows that are older
than a list of files can only make a file stay for longer.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Self

from orchestrator.halving import Decision
from orchestrator.storage.rows import AttemptRow, JobRow

Key = tuple[int, int]
"""Names a job: (trial, rung)."""


class Fate(Enum):
    """What becomes of a file, in words for people."""

    FINALIST = "weights of finalists"
    PICTURE = "pictures of finalists"
    UNDECIDED = "weights that wait for their verdict"
    NEXT_RUNG = "weights with which the next rung begins"
    INITIAL = "weights with which trials begin"
    UNFINISHED = "files of unfinished jobs, which go on from them"
    STRAY = "files of no attempt that the database knows"
    DONE = "files of finished jobs"


@dataclass(frozen=True)
class Place:
    """Where a job's file lies below the sweep's directory."""

    trial: int
    rung: int
    token: str
    file: str

    @classmethod
    def parse(cls, path: str) -> Self | None:
        """Read a path that is relative to the sweep's directory; None if it is not of a job.

        >>> Place.parse("trial-0007/rung-2/5e1f/checkpoint.pt")
        Place(trial=7, rung=2, token='5e1f', file='checkpoint.pt')
        """
        found = re.fullmatch(r"trial-(\d{4,})/rung-(\d+)/([^/]+)/(.+)", path)
        return cls(int(found[1]), int(found[2]), found[3], found[4]) if found else None

    @property
    def folder(self) -> str:
        """The directory of the attempt, relative to the sweep's."""
        return f"trial-{self.trial:04d}/rung-{self.rung}/{self.token}"


class Retention:
    """What is known of a sweep's jobs, and so of their files."""

    def __init__(
        self,
        jobs: Iterable[JobRow],
        attempts: Iterable[AttemptRow],
        decisions: Iterable[Decision],
        *,
        ladder: Sequence[Mapping[str, Any]],
        warm: bool,
    ) -> None:
        """Judge by these rows: all that there are of the trials whose files are asked for.

        Args:
            jobs: their jobs.
            attempts: the attempts at them.
            decisions: the verdicts on them.
            ladder: the sweep's rungs, as they are stored.
            warm: a job begins with the weights that its trial has kept on the rung below.
        """
        self._jobs = {(job.trial, job.rung): job for job in jobs}
        self._attempts = {(each.trial, each.rung, each.token) for each in attempts}
        self._verdicts = {(each.trial, each.rung): each.verdict for each in decisions}
        self._over = {each.trial for each in decisions if each.verdict != "promoted"}
        self._trials = ladder[0]["trials"]
        self._last_rung = ladder[-1]["rung"]
        self._warm = warm

    def fate(self, place: Place) -> Fate:
        """Say what becomes of a file; only STRAY and DONE may be removed.

        What is of an unknown attempt at an unfinished job stays too, until that is finished.
        """
        key = (place.trial, place.rung)
        if key in self._jobs and not self.finished(*key):
            return Fate.UNFINISHED
        if (*key, place.token) not in self._attempts:
            return Fate.STRAY
        if place == self._kept(key, "features"):
            return Fate.PICTURE
        return self._fate_of_weights(*key) if place == self._kept(key, "weights") else Fate.DONE

    def finished(self, trial: int, rung: int) -> bool:
        """Has a job its result? Then no attempt at it will ever start again."""
        job = self._jobs.get((trial, rung))
        return job is not None and job.state not in ("WAITING", "RUNNING")

    def over(self, trial: int) -> bool:
        """Has a trial its last verdict, or is there none? Then no job of it will start again."""
        return trial in self._over or trial >= self._trials

    def _kept(self, key: Key, what: Literal["weights", "features"]) -> Place | None:
        """Return where a file of the job's lies, wherever the runs directory was when it ran."""
        path: str | None = getattr(self._jobs[key], what)
        return Place.parse("/".join(path.split("/")[-4:])) if path else None

    def _fate_of_weights(self, trial: int, rung: int) -> Fate:
        verdict = self._verdicts.get((trial, rung))
        if rung == self._last_rung:
            wanted = {"complete": Fate.FINALIST, None: Fate.UNDECIDED}
        elif self._warm and not self.finished(trial, rung + 1):
            wanted = {"promoted": Fate.NEXT_RUNG, None: Fate.UNDECIDED}
        else:
            wanted = {}
        return wanted.get(verdict, Fate.DONE)
