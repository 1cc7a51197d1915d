"""The training losses; `build_loss` makes the one that the settings name."""

from torch import Tensor

from searchctl.trainer.losses.base import Loss
from searchctl.trainer.settings.catalog import part_named
from searchctl.trainer.settings.training import TrainSettings


def build_loss(settings: TrainSettings, *, ignore_index: int, pixel_counts: Tensor) -> Loss:
    """Return the named loss; `pixel_counts` is [images, classes], see `count_pixels`."""
    part = part_named("loss", settings.loss)
    loss: Loss = part.load()(
        part.options_in(settings), ignore_index=ignore_index, pixel_counts=pixel_counts
    )
    return loss
