"""A logger for MLflow: an experiment for the sweep, with one run for each trial.

A run is found again by its tags, so a resumed sweep continues the runs that it has.
"""

import time
from collections.abc import Mapping

from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.tracking import MlflowClient

from searchctl.orchestrator.callbacks.background import NetworkLogger
from searchctl.orchestrator.callbacks.base import JobView
from searchctl.orchestrator.callbacks.completed import Completed
from searchctl.orchestrator.callbacks.values import SCORE, LoggedValues
from searchctl.orchestrator.halving.job_key import key_of
from searchctl.trainer.core.results import EpochRecord, JobResult

_TAG = "searchctl.run"
_LAST = "loss/train"
_SUMMARY = "sweep"
"""Name of the run with the table of all trials and the masks."""


class MlflowLogger(NetworkLogger):
    """Writes the epochs of all jobs to an MLflow server."""

    def __init__(self, uri: str, sweep: str, values: LoggedValues) -> None:
        """Find or create the sweep's experiment.

        Raises:
            mlflow.exceptions.MlflowException: the server does not answer, or refuses.
        """
        self._client = MlflowClient(uri)
        found = self._client.get_experiment_by_name(sweep)
        self._experiment = found.experiment_id if found else self._client.create_experiment(sweep)
        self._values = values
        self._runs: dict[str, tuple[str, int]] = {}
        """Id and last step of each run."""

    def epoch(self, job: JobView, record: EpochRecord) -> None:
        """Write the numbers of an epoch, unless an earlier attempt has."""
        name, step = key_of(job).top_folder, self._values.step(job, record.epoch)
        run, last = self._runs.get(name) or self._open(name, job.params)
        if step > last:
            self._log(run, step, self._values.of_epoch(record))
            self._runs[name] = (run, step)

    def job_done(self, job: JobView, result: JobResult) -> None:
        """Write the score."""
        name = key_of(job).top_folder
        run, _ = self._runs.get(name) or self._open(name, job.params)
        if result.score is not None:
            self._log(run, self._values.last_step(job), {SCORE: result.score})

    def completed(self, end: Completed) -> None:
        """Write the table and the finalists' masks, and end all runs."""
        run = self._open(_SUMMARY, {})[0]
        self._client.log_text(run, end.csv(), "trials.csv")
        for trial, picture in end.masks():
            self._client.log_image(run, picture, artifact_file=f"masks/trial-{trial:04d}.png")
        for open_run in self._client.search_runs([self._experiment], max_results=5000):
            self._client.set_terminated(open_run.info.run_id)

    def _open(self, name: str, params: Mapping[str, object]) -> tuple[str, int]:
        """Return the id of a run and its last step; -1 before the first."""
        found = self._client.search_runs([self._experiment], f"tags.`{_TAG}` = '{name}'")
        run = found[0] if found else self._create(name, params)
        known = self._client.get_metric_history(run.info.run_id, _LAST)
        opened = self._runs[name] = (
            run.info.run_id,
            max((each.step for each in known), default=-1),
        )
        return opened

    def _create(self, name: str, params: Mapping[str, object]) -> Run:
        run = self._client.create_run(self._experiment, run_name=name)
        given = [Param(key, str(value)) for key, value in params.items()]
        self._client.log_batch(run.info.run_id, params=given, tags=[RunTag(_TAG, name)])
        return run

    def _log(self, run: str, step: int, values: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(run, [Metric(key, each, now, step) for key, each in values.items()])
