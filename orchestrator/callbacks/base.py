"""What may watch a running sweep. The driver tells; nobody who watches can change anything."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from searchctl.orchestrator.halving.job_key import HasJobKey
from searchctl.orchestrator.halving.rule import Decision
from searchctl.trainer.core.results import EpochRecord, JobResult


class SeenJob(HasJobKey, Protocol):
    """What one who watches sees of a job: of the job itself, or of its rows in the database."""

    @property
    def params(self) -> Mapping[str, Any]:
        """The params of its trial."""


class Callback:
    """Watches nothing; displays override what they show. Called from the driver's thread."""

    def job_started(self, job: SeenJob, attempt: int) -> None:
        """Take note that an attempt at a job has begun."""

    def epoch(self, job: SeenJob, record: EpochRecord) -> None:
        """Take note of an epoch of a running job."""

    def job_done(self, job: SeenJob, result: JobResult) -> None:
        """Take note of a job's result."""

    def job_lost(self, job: SeenJob, error: str, losses: int) -> None:
        """Take note that a job's worker died, for the `losses`-th time."""

    def database_down(self, error: str) -> None:
        """Take note that the database does not answer; jobs go on."""

    def database_up(self) -> None:
        """Take note that the database answers again."""

    def rung_closed(self, decisions: Sequence[Decision]) -> None:
        """Take note of the decisions on a rung, best first."""
