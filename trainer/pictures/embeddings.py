"""Embeddings of the validation images: the input of a classifier's last layer, for a picture."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from upath import UPath

from searchctl.trainer.core.atomic_files import write_atomically
from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.core.extras import embeddings_problem
from searchctl.trainer.core.stopping import Stop, until_stopped
from searchctl.trainer.data.loader import LoadedSplit, fixed_batches
from searchctl.trainer.data.settings import AnyData
from searchctl.trainer.models.base import SegmentationModel
from searchctl.trainer.run.precision import Precision
from searchctl.trainer.run.preparation import PreparedJob

FILE = "features.png"
COMPONENTS = 50
"""Number of principal components in which t-SNE finds neighbours (van der Maaten and Hinton,
'Visualizing Data using t-SNE', 2008, section 4.2: 30); the other components are mostly noise."""
MOST_IMAGES = 1000
"""Largest number of points: more would hide each other, and t-SNE would take minutes."""


def check_embeddings(data: AnyData) -> None:
    """Check before the first epoch that embeddings can be drawn.

    Raises:
        SettingsError: the task is not classification, or a package is missing.
    """
    if data.task != "classification":
        raise SettingsError("report.features: features are drawn for classification only")
    if problem := embeddings_problem():
        raise SettingsError(f"report.features {problem}")


def plot_embeddings(job: PreparedJob, stop: Stop) -> None:
    """Store the current embeddings if the last epoch is one of those in the picture.

    Raises:
        Stopped: a stop was requested.
    """
    progress = job.training.progress
    if progress.is_milestone(job.settings):
        progress.features[progress.epoch] = last_features(
            job.training.scored_model,
            _subsample(job.validation),
            job.precision,
            batch_size=job.settings.batch_size,
            stop=stop,
        )


def draw_embeddings(job: PreparedJob, out: UPath) -> UPath | None:
    """Write the picture and return its path; None if no epoch stored embeddings.

    That is the case if the picture was requested only after the training.

    Raises:
        OSError: the picture cannot be written.
    """
    from searchctl.trainer.pictures.embeddings_plot import draw

    features = {epoch: each.numpy() for epoch, each in job.training.progress.features.items()}
    if not features:
        return None
    images = _subsample(job.validation)
    classes = images.class_pixels.argmax(axis=1)
    path = out / FILE
    write_atomically(path, draw(features, classes, images.dataset.class_names))
    return path


def last_features(
    model: SegmentationModel,
    split: LoadedSplit,
    precision: Precision,
    *,
    batch_size: int,
    stop: Stop,
) -> Tensor:
    """Return the principal components of the last layer's input, the largest first.

    The model stays in evaluation mode.

    Returns:
        float32 [images, components], with at most COMPONENTS components.

    Raises:
        Stopped: a stop was requested.
    """
    model.eval()
    found: list[Tensor] = []
    # a hook, since the input of the last layer is no output of the model
    handle = model.classifier.register_forward_pre_hook(
        lambda _, inputs: found.append(inputs[0].flatten(1).float().cpu())
    )
    try:
        with torch.inference_mode():
            for images, _ in until_stopped(fixed_batches(split, batch_size), stop):
                precision.logits(model, images)
    finally:
        handle.remove()
    return torch.from_numpy(_principal(torch.cat(found).numpy()))


def _subsample(split: LoadedSplit) -> LoadedSplit:
    """Return the images of the picture: all, or MOST_IMAGES that are evenly spread over a split."""
    count = len(split.names)
    if count <= MOST_IMAGES:
        return split
    return split.take(np.linspace(0, count - 1, MOST_IMAGES).round().astype(int).tolist())


def _principal(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    from sklearn.decomposition import PCA

    count = min(COMPONENTS, *features.shape)
    if not np.ptp(features, axis=0).any():  # all embeddings are equal: PCA would divide by zero
        return np.zeros((len(features), count), dtype=np.float32)
    components: Any = PCA(count, random_state=0).fit_transform(features)
    return np.asarray(components, dtype=np.float32)
