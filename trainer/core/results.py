"""What a job returns: plain records of numbers, without torch, so that any package holds them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # a view of a sweep imports this file, and need not wait for these
    import numpy as np
    import numpy.typing as npt
    from upath import UPath

    from searchctl.trainer.settings.training import Score

JobStatus = Literal["complete", "diverged", "failed", "stopped", "lost", "blocked", "unusable"]
"""How a job ended.

complete: it has a finite score. diverged: the loss was NaN or infinite. failed: an error of the
configuration (a bad shape), which another try would meet again. stopped: asked to leave before the
end. lost: an error of the machine (GPU memory); the same job may be tried again, in a fresh
process. The last two are no trial's fault, as all share what is wrong. blocked: files cannot be
read or written (a full disk); it may pass. unusable: the data set has a missing, broken or unfit
file.
"""


@dataclass(frozen=True)
class Evaluation:
    """Scores of one network on one split, from ONE confusion matrix pooled over the whole split."""

    loss: float
    """Unweighted cross entropy per valid pixel, whatever the training loss was."""
    miou: float
    """Mean IoU over the classes that are present in the split's ground truth."""
    mean_accuracy: float
    """Mean over the same classes of the share of their pixels that were found."""
    overall_accuracy: float
    """Share of all valid pixels that were right."""
    class_iou: tuple[float | None, ...]
    """IoU of each class; None for a class that the ground truth does not hold."""
    class_accuracy: tuple[float | None, ...]
    """Accuracy (recall) of each class; None for a class that the ground truth does not hold."""


def score_of(evaluation: Evaluation, score: "Score") -> float:
    """Return the number by which trials are ranked, of an evaluation of the validation set."""
    return {
        "val_miou": evaluation.miou,
        "val_loss": evaluation.loss,
        "val_accuracy": evaluation.overall_accuracy,
    }[score]


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch of training showed; epochs count from 1."""

    epoch: int
    train_loss: float | None
    """None where it was not finite and comes from a database."""
    lr: float
    """Learning rate in use at the epoch's first step."""
    images: int
    """Training images seen in this epoch."""
    seconds: float
    val_loss: float | None = None
    val_miou: float | None = None
    val_accuracy: float | None = None
    val_class_iou: tuple[float | None, ...] | None = None
    """IoU of each class on the validation set; None for a class that its ground truth lacks, and
    as a whole where the epoch was not validated."""


@dataclass(frozen=True)
class ImageCounts:
    """Per image of the validation set, from the kept epoch: the evidence behind the score."""

    counts: "npt.NDArray[np.uint32]"
    """[images, classes, 3]: true positives, false positives, false negatives in pixels."""
    loss_sums: "npt.NDArray[np.float64]"
    """[images]: summed cross entropy over the image's valid pixels."""
    pixels: "npt.NDArray[np.int64]"
    """[images]: number of valid pixels."""


@dataclass(frozen=True)
class JobResult:
    """Everything that is kept of one job: one trial trained at one rung."""

    status: JobStatus
    score: float | None
    """The number by which trials of a rung are ranked; None unless status is 'complete'."""
    error: str | None = None
    """Why it diverged, failed or was lost, for people, with the traceback where there is one."""
    first_epoch: int = 1
    """The epoch that this attempt began with; above 1 if it went on from a checkpoint, and above
    the last one if only the scoring was left."""
    kept_epoch: int | None = None
    epochs: tuple[EpochRecord, ...] = ()
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    """Of the kept epoch's weights, by split: 'val' and 'train' always; finalists also have
    'val_original', 'test' and 'test_original' (IoU at the labels' own size)."""
    image_counts: ImageCounts | None = None
    latency_ms: float | None = None
    """Milliseconds that the kept weights take for one image at the training size: see latency.py.
    None without a score."""
    weights: "UPath | None" = None
    """safetensors file of the kept epoch's weights, where they were asked for."""
    features: "UPath | None" = None
    """Picture of the classes in the network's last features, where it was asked for."""
    seconds: float = 0.0
    gpu_seconds: float = 0.0
    images_seen: int = 0
    peak_memory_bytes: int = 0
    """Most that was held at once: by torch on the GPU, or by the whole process on a CPU (Linux)."""
    device: str = ""
    threads: int = 0
    trainable_parameters: int = 0
    initial_weights: str = ""
    """What the job began with, in one sentence."""
    sample_hash: str = ""
    """Fingerprint of the names of the training images that were used, in their order."""
    data_fingerprint: str = ""
    """Fingerprint of the names and sizes of all files of the data set."""
