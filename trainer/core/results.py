"""The result of a job: plain records of numbers, without torch, for use by any package."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from searchctl.trainer.scores.catalog import ScoreName

if TYPE_CHECKING:  # commands that read a sweep import this file, and must start fast
    import numpy as np
    import numpy.typing as npt
    from upath import UPath


JobStatus = Literal[
    "complete",
    "diverged",
    "failed",
    "stopped",
    "lost",
    "out_of_memory",
    "blocked",
    "unusable",
]
"""How a job ended.

complete: it has a finite score.
diverged: the loss became NaN or infinite.
failed: an error of the configuration (a wrong shape); a retry would fail again.
stopped: a stop was requested before the end.
lost: an error of the machine; the job may be retried in a new process.
out_of_memory: the GPU has too little free memory for the job as it is.
blocked: files cannot be read or written (a full disk); the cause may be temporary.
unusable: a file of the data set is missing, damaged or does not match.

The last two affect all trials alike, so they do not count against one trial.
"""


@dataclass(frozen=True)
class Evaluation:
    """Scores of one network on one split, from one confusion matrix over the whole split."""

    loss: float
    """Unweighted cross entropy per valid pixel, whatever the training loss was."""
    miou: float
    """Mean IoU over the classes that are present in the split's ground truth."""
    mean_accuracy: float
    """Mean recall over the same classes."""
    overall_accuracy: float
    """Share of correct pixels among all valid pixels."""
    class_iou: tuple[float | None, ...]
    """IoU of each class; None for a class that is absent from the ground truth."""
    class_accuracy: tuple[float | None, ...]
    """Accuracy (recall) of each class; None for a class that is absent from the ground truth."""
    scores: dict[str, float | None] = field(default_factory=dict)
    """Other scores by name; None for one that the split does not determine."""


OWN_FIELDS: dict[ScoreName, str] = {
    "val_miou": "miou",
    "val_loss": "loss",
    "val_accuracy": "overall_accuracy",
}
"""Scores that every evaluation and every epoch has: name (in an EpochRecord) -> field of an
Evaluation. The others are in `scores`."""


def score_of(evaluation: Evaluation, score: ScoreName) -> float | None:
    """Return a score of an evaluation; None if the split does not determine it."""
    if score in OWN_FIELDS:
        value: float = getattr(evaluation, OWN_FIELDS[score])
        return value
    return evaluation.scores.get(score)


@dataclass(frozen=True)
class EpochRecord:
    """Measurements of one training epoch; epochs count from 1."""

    epoch: int
    train_loss: float | None
    """None if it was not finite and the record was read from a database."""
    lr: float
    """Learning rate in use at the epoch's first step; 0 where a script does not report it."""
    images: int
    """Training images seen in this epoch."""
    seconds: float
    val_loss: float | None = None
    val_miou: float | None = None
    val_accuracy: float | None = None
    val_class_iou: tuple[float | None, ...] | None = None
    """IoU of each class on the validation set; None for a class that is absent from its ground
    truth. The whole field is None if the epoch was not validated."""
    scores: dict[str, float | None] | None = None
    """Other scores of the validation set by name; None if there are none."""

    def value(self, score: ScoreName) -> float | None:
        """Return a score of the validation set; None if the epoch was not validated."""
        if score in OWN_FIELDS:
            value: float | None = getattr(self, score)
            return value
        return (self.scores or {}).get(score)


@dataclass(frozen=True)
class ImageCounts:
    """Counts of each validation image at the kept epoch; the score can be recomputed from them."""

    counts: "npt.NDArray[np.uint32]"
    """[images, classes, 3]: true positives, false positives, false negatives in pixels."""
    loss_sums: "npt.NDArray[np.float64]"
    """[images]: summed cross entropy over the image's valid pixels."""
    pixels: "npt.NDArray[np.int64]"
    """[images]: number of valid pixels."""


@dataclass(frozen=True)
class JobResult:
    """The stored result of one job: one trial trained at one rung."""

    status: JobStatus
    score: float | None
    """The score that ranks the trials of a rung; None unless status is 'complete'."""
    error: str | None = None
    """Why it diverged, failed or was lost, for people, with the traceback where there is one."""
    first_epoch: int = 1
    """The epoch that this attempt began with; above 1 if it went on from a checkpoint, and above
    the last one if only the scoring was left."""
    kept_epoch: int | None = None
    epochs: tuple[EpochRecord, ...] = ()
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    """Evaluations of the kept weights, by split. All jobs have 'val' and 'train'; finalists also
    have 'val_original', 'test' and 'test_original' ('original': at the labels' original size)."""
    image_counts: ImageCounts | None = None
    latency_ms: float | None = None
    """Inference latency of the kept weights in milliseconds, for one image at the training size
    (see `evaluation.scoring.latency_ms`); None without a score."""
    limit_latency_ms: float | None = None
    """Latency of one image as the network will be used (see `evaluation.limit_latency`); None if
    the job did not have to measure it."""
    weights: "UPath | None" = None
    """safetensors file of the kept epoch's weights, if requested."""
    features: "UPath | None" = None
    """Picture of the embeddings of the validation images, if requested."""
    seconds: float = 0.0
    gpu_seconds: float = 0.0
    images_seen: int = 0
    peak_memory_bytes: int = 0
    """Peak memory: of torch on the GPU, or of the whole process on a CPU (Linux only)."""
    device: str = ""
    hardware: str = ""
    """Model of the CPU, with the instructions in use, or of the GPU."""
    threads: int = 0
    trainable_parameters: int = 0
    batch_statistics: bool | None = None
    """Whether its network has BatchNorm that is trained; None if it was not built."""
    initial_weights: str = ""
    """The initial weights, in one sentence."""
    reused_from: Mapping[str, Any] | None = None
    """The job that this result is a copy of: sweep, trial, rung, and its seconds."""
    sample_hash: str = ""
    """Fingerprint of the names of the training images, in their order."""
    data_fingerprint: str = ""
    """Fingerprint of the names and sizes of all files of the data set."""
