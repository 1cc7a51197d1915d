"""The networks, one file each; `build_model` makes the one that the settings name."""

from trainer.catalog import MODELS, load
from trainer.models.base import SegmentationModel
from trainer.settings import TrainSettings


def build_model(settings: TrainSettings, classes: int) -> SegmentationModel:
    """Return the named network with fresh weights from torch's global generator."""
    width = {} if settings.width is None else {"width": settings.width}
    model: SegmentationModel = load(MODELS, settings.model)(
        classes, dropout=settings.dropout, **width
    )
    return model
