"""Decides which files of a sweep are still needed, pure: from stored rows to a reason per file.

    runs/<sweep>/trial-0007/rung-2/<token of the attempt>/checkpoint.pt, model.safetensors,
        features.png, masks.png, output.log
    runs/<sweep>/trial-0007-repeat-1/rung-4/<token>/, trial-0003-audit-0/rung-4/<token>/

Decisions and finished jobs are final. So a removable file stays removable, and outdated rows can
only keep a file for longer.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Self

from searchctl.orchestrator.facts.cohorts import cohort_numbers
from searchctl.orchestrator.halving.job_key import JobKey, Kind, key_of
from searchctl.orchestrator.halving.rule import Decision
from searchctl.orchestrator.storage.rows import AttemptRow, JobRow

OUTPUT = "output.log"
"""File with all that a script of the user's printed. No database column has it."""
MASKS = "masks.png"
"""File of a job's predicted masks in the directory of its attempt. No database column has it."""
_TOP_FOLDER = r"trial-(\d{4,})(?:-(repeat|audit)-(\d+))?"
"""Matches `JobKey.top_folder`."""


class RetentionReason(Enum):
    """Why a file is kept or can be removed, in words for users."""

    FINALIST = "weights of finalists"
    PICTURE = "pictures for reports"
    OUTPUT = "output of scripts"
    UNDECIDED = "weights of trials without a decision yet"
    NEXT_RUNG = "weights from which the next rung starts"
    INITIAL = "initial weights of trials"
    CODE = "own code of trials"
    UNFINISHED = "files of unfinished jobs, needed to resume them"
    STRAY = "files of attempts that are not in the database"
    DONE = "files of finished jobs"


@dataclass(frozen=True)
class JobFile:
    """The path of a job's file, relative to the sweep's directory, in its parts."""

    job: JobKey
    token: str
    file: str

    @classmethod
    def parse(cls, path: str) -> Self | None:
        """Parse a path relative to the sweep's directory; return None if it is not of a job.

        >>> file = JobFile.parse("trial-0007-audit-0/rung-4/5e1f/checkpoint.pt")
        >>> file.job, file.token, file.file
        (JobKey(trial=7, rung=4, kind='audit', repeat=0), '5e1f', 'checkpoint.pt')
        """
        found = re.fullmatch(rf"{_TOP_FOLDER}/rung-(\d+)/([^/]+)/(.+)", path)
        return cls(_job(found, rung=int(found[4])), found[5], found[6]) if found else None

    @property
    def folder(self) -> str:
        """The directory of the attempt, relative to the sweep's."""
        return f"{self.job.folder}/{self.token}"


class Retention:
    """Decides about files from a sweep's jobs, attempts and decisions."""

    def __init__(
        self,
        jobs: Iterable[JobRow],
        attempts: Iterable[AttemptRow],
        decisions: Iterable[Decision],
        *,
        ladder: Sequence[Mapping[str, Any]],
        warm: bool,
    ) -> None:
        """Use these rows. They must be complete for every trial whose files are checked.

        Args:
            jobs: jobs of these trials.
            attempts: attempts at these jobs.
            decisions: decisions on these trials.
            ladder: the stored rungs of all cohorts, as `all_rungs` returns them.
            warm: whether a job starts from the trial's weights of the rung below.
        """
        self._jobs = {key_of(job): job for job in jobs}
        self._attempts = {(key_of(each), each.token): each.outcome for each in attempts}
        self._verdicts = {(each.trial, each.rung): each.verdict for each in decisions}
        self._over = {each.trial for each in decisions if each.verdict != "promoted"}
        self._cohorts = cohort_numbers(ladder)
        self._last_rungs: dict[int, int] = {rung.get("cohort", 0): rung["rung"] for rung in ladder}
        self._warm = warm

    def reason(self, file: JobFile) -> RetentionReason:
        """Return why a file is kept; only STRAY and DONE may be removed.

        Files of an unknown attempt are kept too while their job is unfinished.
        """
        key = file.job
        if key in self._jobs and not self.finished(key):
            return RetentionReason.UNFINISHED
        if (key, file.token) not in self._attempts:
            return RetentionReason.STRAY
        if file == self._kept(key, "features") or self._is_masks_of_result(file):
            return RetentionReason.PICTURE
        if file.file == OUTPUT:
            return RetentionReason.OUTPUT
        if file == self._kept(key, "weights"):
            return self._reason_of_weights(key)
        return RetentionReason.DONE

    def finished(self, key: JobKey) -> bool:
        """Return whether a job has its result. No attempt at it starts afterwards."""
        job = self._jobs.get(key)
        return job is not None and job.state not in ("WAITING", "RUNNING")

    def is_over(self, folder: str) -> bool:
        """Return whether no job with files in this directory will start again.

        For the directory of a rung, this holds once its job is finished. For the directory of a
        trial, it holds after the trial's last decision, or if the sweep has no such trial. For the
        directory of a follow-up job, it holds once that job is finished.
        """
        found = re.fullmatch(rf"{_TOP_FOLDER}(?:/rung-(\d+))?", folder)
        if found is None:
            return False
        trial = int(found[1])
        key = _job(found, rung=self._last_rung(trial) if found[4] is None else int(found[4]))
        ended = key.kind == "ladder" and (trial in self._over or trial >= len(self._cohorts))
        single_job = key.kind != "ladder" or found[4] is not None
        return ended or (single_job and self.finished(key))

    def _last_rung(self, trial: int) -> int:
        known = trial < len(self._cohorts)
        return self._last_rungs[self._cohorts[trial] if known else max(self._last_rungs)]

    def _kept(self, key: JobKey, what: Literal["weights", "features"]) -> JobFile | None:
        """Return a file that the job's row refers to."""
        path: str | None = getattr(self._jobs[key], what)
        # Only the last four parts: the runs directory may have moved since the job ran.
        return JobFile.parse("/".join(path.split("/")[-4:])) if path else None

    def _is_masks_of_result(self, file: JobFile) -> bool:
        """Return whether this is the picture of the attempt that gave the job's result."""
        return file.file == MASKS and self._attempts[file.job, file.token] == "complete"

    def _reason_of_weights(self, key: JobKey) -> RetentionReason:
        verdict = self._verdicts.get((key.trial, key.rung))
        if key.rung == self._last_rung(key.trial):
            kept = {"complete": RetentionReason.FINALIST, None: RetentionReason.UNDECIDED}
        elif self._warm and not self.finished(JobKey(key.trial, key.rung + 1)):
            kept = {"promoted": RetentionReason.NEXT_RUNG, None: RetentionReason.UNDECIDED}
        else:
            kept = {}
        return kept.get(verdict, RetentionReason.DONE)


def _job(found: re.Match[str], *, rung: int) -> JobKey:
    """Return the job of a match of `_TOP_FOLDER`."""
    kind: Kind = found[2] or "ladder"  # type: ignore[assignment]
    return JobKey(int(found[1]), rung, kind, int(found[3] or 0))
