"""Predicted masks of a few validation images, which are the same for every job of a sweep."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from upath import UPath

from searchctl.trainer.core.atomic_files import write_atomically
from searchctl.trainer.core.stopping import Stop, until_stopped
from searchctl.trainer.data.loader import LoadedSplit, fixed_batches
from searchctl.trainer.data.sets.base import Image
from searchctl.trainer.pictures.mask_sheet import FILE, draw_masks, select_images
from searchctl.trainer.run.preparation import PreparedJob
from searchctl.trainer.run.progress import Kept


@dataclass(frozen=True)
class MaskPicture:
    """The picture of a job's predicted masks.

    Attributes:
        wanted: number of validation images, or their names.
        milestones: whether the first, middle and last epoch are drawn besides the kept one.
    """

    wanted: int | Sequence[str]
    milestones: bool

    def record_milestone(self, job: PreparedJob, stop: Stop) -> None:
        """Store the current predictions if the last epoch is a milestone.

        Raises:
            SettingsError: no image has one of the names.
            Stopped: a stop was requested.
        """
        progress = job.training.progress
        if self.milestones and progress.is_milestone(job.settings):
            progress.masks[progress.epoch] = _predicted(job, self._images(job), stop)

    def draw(self, job: PreparedJob, kept: Kept, out: UPath, stop: Stop) -> None:
        """Write the picture, with the predictions of the job's network as those of the kept epoch.

        Raises:
            OSError: the picture cannot be written.
            SettingsError: no image has one of the names.
            Stopped: a stop was requested.
        """
        images = self._images(job)
        found = {**job.training.progress.masks, kept.epoch: _predicted(job, images, stop)}
        masks = {
            epoch: np.stack([each[name].numpy() for name in images.names])
            for epoch, each in found.items()
            # an earlier attempt may have stored other images
            if each.keys() >= set(images.names)
        }
        places = range(len(images.names))
        content = draw_masks(
            images.dataset,
            images.names,
            [np.asarray(images.labels[each]) for each in places],
            masks,
            kept=kept.epoch,
            images=_displayed(images) if self.milestones else (),
        )
        write_atomically(out / FILE, content)

    def _images(self, job: PreparedJob) -> LoadedSplit:
        return job.validation.take(select_images(job.validation.names, self.wanted))


def _displayed(images: LoadedSplit) -> list[Image]:
    places = range(len(images.names))
    return [images.dataset.displayed(np.asarray(images.images[each])) for each in places]


@torch.inference_mode()
def _predicted(job: PreparedJob, images: LoadedSplit, stop: Stop) -> dict[str, Tensor]:
    """Return uint8 [H, W] class ids by image name. The network stays in evaluation mode."""
    job.training.scored_model.eval()
    batches = until_stopped(fixed_batches(images, job.settings.batch_size), stop)
    logits = (job.precision.logits(job.training.scored_model, batch) for batch, _ in batches)
    masks = torch.cat([each.argmax(dim=1).to(torch.uint8).cpu() for each in logits])
    return dict(zip(images.names, masks, strict=True))
