"""The interface of callbacks. The driver calls them during a sweep; they cannot influence it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from searchctl.orchestrator.callbacks.completed import Completed
from searchctl.orchestrator.halving.job_key import HasJobKey
from searchctl.orchestrator.halving.rule import Decision
from searchctl.trainer.core.results import EpochRecord, JobResult


class JobView(HasJobKey, Protocol):
    """The part of a job that callbacks see: a job itself, or its rows from the database."""

    @property
    def params(self) -> Mapping[str, Any]:
        """Params of the job's trial."""


class Callback:
    """Base of callbacks; every method does nothing. All are called from the driver's thread."""

    def job_started(self, job: JobView, attempt: int) -> None:
        """Run after the start of an attempt at a job."""

    def epoch(self, job: JobView, record: EpochRecord) -> None:
        """Run after each epoch of a job."""

    def job_done(self, job: JobView, result: JobResult) -> None:
        """Run after a job's result."""

    def job_lost(self, job: JobView, error: str, losses: int) -> None:
        """Run after a job's worker has died for the `losses`-th time."""

    def database_down(self, error: str) -> None:
        """Run when the database stops answering. Jobs continue."""

    def database_up(self) -> None:
        """Run when the database answers again."""

    def rung_closed(self, decisions: Sequence[Decision]) -> None:
        """Run after the decisions on a rung, which come best first."""

    def completed(self, end: Completed) -> None:
        """Run after the end of a sweep with a winner."""
