"""A callback that writes TensorBoard event files: one run for each trial.

The step of a run is the epoch, counted over all rungs. Follow-up jobs have separate runs with the
steps of the last rung. The driver writes all files, so workers need neither the directory nor the
package. Events are written in the driver's thread: `tensorboardX.SummaryWriter` uses another thread
and blocks without end when that thread has died of a full disk.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.summary import hparams, scalar

from searchctl.orchestrator.callbacks.base import Callback, JobView
from searchctl.orchestrator.callbacks.values import SCORE, LoggedValues
from searchctl.orchestrator.halving.job_key import JobKey, key_of
from searchctl.trainer.core.results import EpochRecord, JobResult


class TensorBoardLogger(Callback):
    """Writes the epochs of all jobs. Each running job has an open file."""

    def __init__(
        self,
        folder: Path,
        values: LoggedValues,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Create a logger.

        Args:
            folder: directory of the runs; trial 7 writes to trial-0007 below it.
            values: of the sweep's epochs.
            clock: returns the wall time in seconds.
        """
        self._folder = folder
        self._values = values
        self._clock = clock
        self._attempts: dict[JobKey, int] = {}
        self._files: dict[JobKey, EventsWriter] = {}

    def __enter__(self) -> Self:
        """Return the logger."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all open files."""
        for key in tuple(self._files):
            with suppress(OSError):  # a full disk must not fail the sweep at its end
                self._close(key)

    def job_started(self, job: JobView, attempt: int) -> None:
        """Remember the attempt's number, which is part of the file name."""
        self._attempts[key_of(job)] = attempt

    def epoch(self, job: JobView, record: EpochRecord) -> None:
        """Write the numbers of an epoch."""
        step = self._values.step(job, record.epoch)
        self._write(job, step, self._values.of_epoch(record))

    def job_done(self, job: JobView, result: JobResult) -> None:
        """Write the score and close the job's file."""
        if result.score is not None:
            self._write(job, self._values.last_step(job), {SCORE: result.score})
        self._close(key_of(job))

    def job_lost(self, job: JobView, error: str, losses: int) -> None:
        """Close the job's file, because each attempt has a separate one."""
        self._close(key_of(job))

    def _write(self, job: JobView, step: int, values: Mapping[str, float]) -> None:
        file = self._files.get(key_of(job)) or self._open(job, step)
        parts = (scalar(tag, value).value[0] for tag, value in values.items())
        file.write_event(self._event(step, summary=Summary(value=parts)))
        file.flush()

    def _open(self, job: JobView, step: int) -> EventsWriter:
        """Open a file. Its START event makes TensorBoard drop later steps of earlier attempts."""
        key = key_of(job)
        folder = self._folder / key.top_folder
        folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads files in the order of their names, which start with the time in seconds
        name = f".{job.rung:02d}-{self._attempts.get(key, 1):03d}"
        file = self._files[key] = EventsWriter(str(folder / "events"), name)
        start = SessionLog(status=SessionLog.START)
        file.write_event(self._event(step, session_log=start))
        params = {name: _plain(value) for name, value in job.params.items()}
        for summary in hparams(params, {SCORE: 0.0})[:2]:
            file.write_event(self._event(step, summary=summary))
        return file

    def _close(self, key: JobKey) -> None:
        if file := self._files.pop(key, None):
            file.close()

    def _event(self, step: int, **what: Any) -> Event:
        return Event(wall_time=self._clock(), step=step, **what)


def _plain(value: object) -> int | float | str:
    return value if isinstance(value, int | float | str) else str(value)
