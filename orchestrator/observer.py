"""What may watch a running sweep. The driver tells; nobody who watches can change anything."""

from collections.abc import Sequence

from orchestrator.halving import Decision
from orchestrator.job import Job
from trainer.results import EpochRecord, JobResult


class Observer:
    """Watches nothing; displays override what they show. Called from the driver's thread."""

    def job_started(self, job: Job, attempt: int) -> None:
        """Take note that an attempt at a job has begun."""

    def epoch(self, job: Job, record: EpochRecord) -> None:
        """Take note of an epoch of a running job."""

    def job_done(self, job: Job, result: JobResult) -> None:
        """Take note of a job's result."""

    def job_lost(self, job: Job, error: str, losses: int) -> None:
        """Take note that a job's worker died, for the `losses`-th time."""

    def database_down(self, error: str) -> None:
        """Take note that the database does not answer; jobs go on."""

    def database_up(self) -> None:
        """Take note that the database answers again."""

    def rung_closed(self, decisions: Sequence[Decision]) -> None:
        """Take note of the verdicts on a rung, best first."""
