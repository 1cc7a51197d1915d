"""A logger of the user's own: any class that has some of the methods below, by its import path.

It is called with plain values: names, numbers and mappings, the same as other loggers write.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from searchctl.orchestrator.callbacks.background import NetworkLogger
from searchctl.orchestrator.callbacks.base import JobView
from searchctl.orchestrator.callbacks.completed import Completed
from searchctl.orchestrator.callbacks.values import LoggedValues
from searchctl.orchestrator.halving.job_key import key_of
from searchctl.trainer.core.results import EpochRecord, JobResult
from searchctl.trainer.own_code.calls import accepted, checked_call, import_object


class OwnLogger(NetworkLogger):
    """A user's logger behind the interface of ours; a method that it lacks is not called."""

    def __init__(
        self,
        where: str,
        args: Mapping[str, Any],
        sweep: str,
        classes: Sequence[str],
        values: LoggedValues,
    ) -> None:
        """Import and make the logger.

        Args:
            where: its import path.
            args: its arguments; `sweep` and `classes` are added where it has such parameters.
            sweep: name of the sweep.
            classes: class names of the data set.
            values: of the sweep's epochs.

        Raises:
            SettingsError: it cannot be imported or made.
        """
        made = import_object(where)
        given = accepted(made, {("sweep",): sweep, ("classes",): list(classes)}, args)
        self._where = where
        self._logger = checked_call(where, made, **given)
        self._values = values

    def epoch(self, job: JobView, record: EpochRecord) -> None:
        """Pass on the values of an epoch."""
        step = self._values.step(job, record.epoch)
        self._call("epoch", _run(job), dict(job.params), step, self._values.of_epoch(record))

    def job_done(self, job: JobView, result: JobResult) -> None:
        """Pass on the score of a job; jobs without one have none."""
        if result.score is not None:
            step = self._values.last_step(job)
            self._call("score", _run(job), dict(job.params), step, result.score)

    def completed(self, end: Completed) -> None:
        """Pass on the table of all trials."""
        self._call("completed", *end.table())

    def close(self) -> None:
        """Close the logger."""
        self._call("close")

    def _call(self, method: str, *arguments: object) -> None:
        if (function := getattr(self._logger, method, None)) is not None:
            checked_call(f"{self._where}.{method}", function, *arguments)


def _run(job: JobView) -> str:
    return key_of(job).top_folder
