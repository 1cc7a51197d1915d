"""Names and values of what loggers write about an epoch, alike in all of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from searchctl.orchestrator.callbacks.base import JobView
from searchctl.trainer.core.results import EpochRecord
from searchctl.trainer.scores.catalog import ScoreName

SCORE = "score"
"""Name of a job's score, at its last step."""

_NAMES = {
    "train_loss": "loss/train",
    "val_loss": "loss/val",
    "val_miou": "val/mIoU",
    "val_accuracy": "val/accuracy",
    "lr": "lr",
    "seconds": "time/epoch_seconds",
}
"""Name by field of an epoch's record."""


class LoggedValues:
    """The values of a sweep's epochs, and their steps."""

    def __init__(
        self, epochs: Callable[[Mapping[str, Any]], int], classes: Sequence[str] = ()
    ) -> None:
        """Take the epochs of a job by its params, and the class names of the data set."""
        self._epochs = epochs
        self._classes = [f"val_IoU/{name}" for name in classes]

    def of_epoch(self, record: EpochRecord) -> dict[str, float]:
        """Return the values of an epoch by their names."""
        found = {tag: getattr(record, name) for name, tag in _NAMES.items()}
        found |= {_name(name): value for name, value in (record.scores or {}).items()}
        found |= zip(self._classes, record.val_class_iou or (), strict=False)
        return {name: value for name, value in found.items() if value is not None}

    def step(self, job: JobView, epoch: int) -> int:
        """Return the epoch, counted over all rungs."""
        return job.rung * self._epochs(job.params) + epoch

    def last_step(self, job: JobView) -> int:
        """Return the step of a job's score."""
        return self.step(job, self._epochs(job.params))


def _name(score: ScoreName) -> str:
    """Return the name of a score that has no field of its own.

    >>> _name("val_dice:car"), _name("my_metrics:f1")
    ('val/dice:car', 'val/my_metrics:f1')
    """
    return f"val/{score.removeprefix('val_')}"
