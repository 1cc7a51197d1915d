"""Which files of a sweep are still needed, pure: stored rows in, what becomes of a file out.

    runs/<sweep>/trial-0007/rung-2/<token of the attempt>/checkpoint.pt, model.safetensors,
        features.png, masks.png
    runs/<sweep>/trial-0007-repeat-1/rung-4/<token>/, trial-0003-audit-0/rung-4/<token>/

Decisions and finished jobs are final. So what may go once may go for ever, and rows that are older
than a list of files can only make a file stay for longer.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Self

from searchctl.orchestrator.halving.job_key import JobKey, Kind, key_of
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage.rows import AttemptRow, JobRow

MASKS = "masks.png"
"""What a job predicts of a few validation images, in the directory of its attempt; no column of the
database names it."""
_PLACE = r"trial-(\d{4,})(?:-(repeat|audit)-(\d+))?"
"""Where files of a trial lie: `JobKey.top_folder`."""


class RetentionReason(Enum):
    """What becomes of a file, in words for people."""

    FINALIST = "weights of finalists"
    PICTURE = "pictures for reports"
    UNDECIDED = "weights that wait for their decision"
    NEXT_RUNG = "weights with which the next rung begins"
    INITIAL = "weights with which trials begin"
    UNFINISHED = "files of unfinished jobs, which go on from them"
    STRAY = "files of no attempt that the database knows"
    DONE = "files of finished jobs"


@dataclass(frozen=True)
class Place:
    """Where a job's file lies below the sweep's directory."""

    job: JobKey
    token: str
    file: str

    @classmethod
    def parse(cls, path: str) -> Self | None:
        """Read a path that is relative to the sweep's directory; None if it is not of a job.

        >>> place = Place.parse("trial-0007-audit-0/rung-4/5e1f/checkpoint.pt")
        >>> place.job, place.token, place.file
        (JobKey(trial=7, rung=4, kind='audit', repeat=0), '5e1f', 'checkpoint.pt')
        """
        found = re.fullmatch(rf"{_PLACE}/rung-(\d+)/([^/]+)/(.+)", path)
        return cls(_job(found, rung=int(found[4])), found[5], found[6]) if found else None

    @property
    def folder(self) -> str:
        """The directory of the attempt, relative to the sweep's."""
        return f"{self.job.folder}/{self.token}"


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
            decisions: the decisions on them.
            ladder: the sweep's rungs, as they are stored.
            warm: a job begins with the weights that its trial has kept on the rung below.
        """
        self._jobs = {key_of(job): job for job in jobs}
        self._attempts = {(key_of(each), each.token): each.outcome for each in attempts}
        self._verdicts = {(each.trial, each.rung): each.verdict for each in decisions}
        self._over = {each.trial for each in decisions if each.verdict != "promoted"}
        self._trials = ladder[0]["trials"]
        self._last_rung = ladder[-1]["rung"]
        self._warm = warm

    def fate(self, place: Place) -> RetentionReason:
        """Say what becomes of a file; only STRAY and DONE may be removed.

        What is of an unknown attempt at an unfinished job stays too, until that is finished.
        """
        key = place.job
        if key in self._jobs and not self.finished(key):
            return RetentionReason.UNFINISHED
        if (key, place.token) not in self._attempts:
            return RetentionReason.STRAY
        if place == self._kept(key, "features") or self._is_masks_of_result(place):
            return RetentionReason.PICTURE
        return (
            self._fate_of_weights(key)
            if place == self._kept(key, "weights")
            else RetentionReason.DONE
        )

    def finished(self, key: JobKey) -> bool:
        """Has a job its result? Then no attempt at it will ever start again."""
        job = self._jobs.get(key)
        return job is not None and job.state not in ("WAITING", "RUNNING")

    def over(self, folder: str) -> bool:
        """Will no job start again whose files lie in this directory?

        That is so of a rung's whose job is finished, and of a trial's on the ladder when it has its
        last decision, or there is no such trial; after the ladder, when its one job is finished.
        """
        found = re.fullmatch(rf"{_PLACE}(?:/rung-(\d+))?", folder)
        if found is None:
            return False
        key = _job(found, rung=self._last_rung if found[4] is None else int(found[4]))
        ended = key.kind == "ladder" and (key.trial in self._over or key.trial >= self._trials)
        alone = key.kind != "ladder" or found[4] is not None
        return ended or (alone and self.finished(key))

    def _kept(self, key: JobKey, what: Literal["weights", "features"]) -> Place | None:
        """Return where a file of the job's lies, wherever the runs directory was when it ran."""
        path: str | None = getattr(self._jobs[key], what)
        return Place.parse("/".join(path.split("/")[-4:])) if path else None

    def _is_masks_of_result(self, place: Place) -> bool:
        """Is it the picture of the attempt that came to the job's result?"""
        return place.file == MASKS and self._attempts[place.job, place.token] == "complete"

    def _fate_of_weights(self, key: JobKey) -> RetentionReason:
        verdict = self._verdicts.get((key.trial, key.rung))
        if key.rung == self._last_rung:
            wanted = {"complete": RetentionReason.FINALIST, None: RetentionReason.UNDECIDED}
        elif self._warm and not self.finished(JobKey(key.trial, key.rung + 1)):
            wanted = {"promoted": RetentionReason.NEXT_RUNG, None: RetentionReason.UNDECIDED}
        else:
            wanted = {}
        return wanted.get(verdict, RetentionReason.DONE)


def _job(found: re.Match[str], *, rung: int) -> JobKey:
    """Return the job of a path of `_PLACE`."""
    kind: Kind = found[2] or "ladder"  # type: ignore[assignment]
    return JobKey(int(found[1]), rung, kind, int(found[3] or 0))
