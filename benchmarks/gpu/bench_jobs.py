"""The jobs of the checks, at the size of a card or of a test."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import torch
from upath import UPath

from searchctl.trainer import Sample, TrainSettings, TrialJob, run_job
from searchctl.trainer.data.settings import ScenesData


@dataclass(frozen=True)
class Setup:
    """Where the benchmark runs, and at which size."""

    device: torch.device
    tiny: bool
    seconds: float
    """Seconds that the section may take."""
    peak_tflops: float | None = None
    """Peak of the card's bf16 arithmetic, stated by the user."""

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a card."""
        return self.device.type == "cuda"


def job(setup, *, device=None, **changed):
    """Return a job of a small U-Net on synthetic scenes.

    Args:
        setup: of the benchmark.
        device: where it runs instead.
        changed: fields of the job, and settings of the training, instead of the usual ones.
    """
    side, images, epochs, width, batch = (32, 8, 3, 4, 4) if setup.tiny else (128, 32, 4, 16, 8)
    data = ScenesData(
        dataset="scenes", image_size=(side, side), native_size=(side, side), train=images, val=8
    )
    fields = {"sample": Sample(data, images, seed=0), "out": UPath(mkdtemp())}
    fields |= {name: changed.pop(name) for name in [*changed] if name in TrialJob.__annotations__}
    settings = {"model": "unet", "width": width, "epochs": epochs, "batch_size": batch, **changed}
    return TrialJob(
        settings=TrainSettings(**settings),
        device=str(device or setup.device),
        **fields,
    )


def completed(job, **reports):
    """Run a job to its end.

    Raises:
        RuntimeError: it did not complete.
    """
    result = run_job(job, **reports)
    if result.status != "complete":
        raise RuntimeError(f"the job ended as {result.status}: {result.error}")
    return result


def losses(result):
    """Return the training loss of each epoch."""
    return [epoch.train_loss for epoch in result.epochs]


def distance(ours, theirs):
    """Return the largest relative difference of the losses of two results' epochs.

    >>> from types import SimpleNamespace as N
    >>> distance(N(epochs=[N(train_loss=1.0)]), N(epochs=[N(train_loss=2.0)]))
    0.5
    """
    pairs = zip(losses(ours), losses(theirs), strict=True)
    return max(abs(our - their) / abs(their) for our, their in pairs)


def weights_of(result):
    """Return the file of a result's weights."""
    return Path(str(result.weights))
