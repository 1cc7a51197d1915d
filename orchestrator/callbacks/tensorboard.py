"""Writes TensorBoard's event files from what the driver is told: one run for each trial.

A run goes through the rungs in sequence: its step is the epoch, counted on from rung to rung. What
follows the ladder has runs of its own, with the steps of the last rung. As
the driver writes it, workers need neither the directory nor the package. Events are written in the
driver's own thread: `tensorboardX.SummaryWriter` has one of its own, and waits for ever when that
has died of a full disk.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.summary import hparams, scalar

from searchctl.orchestrator.callbacks.base import Callback, SeenJob
from searchctl.orchestrator.halving.job_key import JobKey, key_of
from searchctl.trainer.core.results import EpochRecord, JobResult

SCORE = "score"
"""Tag of a job's score, at its last step."""

_TAGS = {
    "train_loss": "loss/train",
    "val_loss": "loss/val",
    "val_miou": "val/mIoU",
    "val_accuracy": "val/accuracy",
    "lr": "lr",
    "seconds": "time/epoch_seconds",
}
"""Field of an epoch's record -> tag."""


class TensorBoardLogger(Callback):
    """Keeps a file open for each job that runs."""

    def __init__(
        self,
        folder: Path,
        epochs: Callable[[Mapping[str, Any]], int],
        classes: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Write below `folder`, trial-0007 for trial 7; `epochs` are a trial's in each rung."""
        self._folder = folder
        self._epochs = epochs
        self._class_tags = [f"val_IoU/{name}" for name in classes]
        self._clock = clock
        self._attempts: dict[JobKey, int] = {}
        self._files: dict[JobKey, EventsWriter] = {}

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what is open."""
        for key in tuple(self._files):
            with suppress(OSError):  # the last epochs are lost with the disk, and no sweep is
                self._close(key)

    def job_started(self, job: SeenJob, attempt: int) -> None:
        """Remember the attempt: it names the file."""
        self._attempts[key_of(job)] = attempt

    def epoch(self, job: SeenJob, record: EpochRecord) -> None:
        """Write the numbers of an epoch."""
        step = self._step(job, record.epoch)
        found = {tag: getattr(record, name) for name, tag in _TAGS.items()}
        found |= zip(self._class_tags, record.val_class_iou or (), strict=False)
        self._write(job, step, {tag: value for tag, value in found.items() if value is not None})

    def job_done(self, job: SeenJob, result: JobResult) -> None:
        """Write the score, and end the job's file."""
        if result.score is not None:
            self._write(job, self._step(job, self._epochs(job.params)), {SCORE: result.score})
        self._close(key_of(job))

    def job_lost(self, job: SeenJob, error: str, losses: int) -> None:
        """End the job's file: another attempt has one of its own."""
        self._close(key_of(job))

    def _step(self, job: SeenJob, epoch: int) -> int:
        return job.rung * self._epochs(job.params) + epoch

    def _write(self, job: SeenJob, step: int, values: Mapping[str, float]) -> None:
        file = self._files.get(key_of(job)) or self._open(job, step)
        parts = (scalar(tag, value).value[0] for tag, value in values.items())
        file.write_event(self._event(step, summary=Summary(value=parts)))
        file.flush()

    def _open(self, job: SeenJob, step: int) -> EventsWriter:
        """Begin a file. TensorBoard forgets what an earlier attempt wrote from this step on."""
        key = key_of(job)
        folder = self._folder / key.top_folder
        folder.mkdir(parents=True, exist_ok=True)
        # files are read in the order of their names, which begin with the second
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
