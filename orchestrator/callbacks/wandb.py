"""A logger for Weights & Biases: one run for each trial, in the group of its sweep.

`$WANDB_API_KEY` or `wandb login` gives access; `WANDB_MODE=offline` writes files that `wandb sync`
uploads. A run's id comes from the names of the sweep and the trial, so a resumed sweep continues
the runs that it has.
"""

from collections.abc import Mapping
from typing import Any

import wandb

from searchctl.orchestrator.callbacks.background import NetworkLogger
from searchctl.orchestrator.callbacks.base import JobView
from searchctl.orchestrator.callbacks.completed import Completed
from searchctl.orchestrator.callbacks.values import SCORE, LoggedValues
from searchctl.orchestrator.halving.job_key import key_of
from searchctl.trainer.core.results import EpochRecord, JobResult

_SUMMARY = "sweep"
"""Name of the run with the table of all trials and the masks."""


class WandbLogger(NetworkLogger):
    """Writes the epochs of all jobs; a trial's run is open while the trial trains."""

    def __init__(self, project: str, sweep: str, values: LoggedValues) -> None:
        """Write to a project, PROJECT or ENTITY/PROJECT."""
        self._entity, _, self._project = project.rpartition("/")
        self._sweep = sweep
        self._values = values
        self._runs: dict[str, wandb.Run] = {}

    def job_started(self, job: JobView, attempt: int) -> None:
        """Open the run of the job's trial."""
        self._run(job)

    def epoch(self, job: JobView, record: EpochRecord) -> None:
        """Write the numbers of an epoch."""
        step = self._values.step(job, record.epoch)
        self._run(job).log(self._values.of_epoch(record), step=step)

    def job_done(self, job: JobView, result: JobResult) -> None:
        """Write the score, and close the run: there are as many open runs as running jobs."""
        if result.score is not None:
            self._run(job).log({SCORE: result.score}, step=self._values.last_step(job))
        if run := self._runs.pop(key_of(job).top_folder, None):
            run.finish()

    def completed(self, end: Completed) -> None:
        """Write the table and the finalists' masks to a run of their own."""
        run = self._open(_SUMMARY, {})
        columns, rows = end.table()
        run.log({"trials": wandb.Table(columns=columns, data=rows)})
        pictures = [wandb.Image(each, caption=f"trial {trial}") for trial, each in end.masks()]
        if pictures:
            run.log({"masks": pictures})
        run.finish()

    def close(self) -> None:
        """Close all open runs."""
        for run in self._runs.values():
            run.finish()

    def _run(self, job: JobView) -> wandb.Run:
        name = key_of(job).top_folder
        if name not in self._runs:
            self._runs[name] = self._open(name, job.params)
        return self._runs[name]

    def _open(self, name: str, params: Mapping[str, Any]) -> wandb.Run:
        return wandb.init(
            entity=self._entity or None,
            project=self._project,
            group=self._sweep,
            name=name,
            id=f"{self._sweep}-{name}",
            config=dict(params),
            resume="allow",
            reinit="create_new",
        )
