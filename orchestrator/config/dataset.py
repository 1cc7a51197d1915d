"""The data set of a sweep file, checked as far as is quick. Imports torch."""

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.samples import build_dataset
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.settings import Split
from searchctl.trainer.pictures.mask_sheet import select_images

_NEEDED_SPLITS: tuple[Split, ...] = ("train", "val")


def checked_dataset(sweep: Sweep) -> Dataset:
    """Return a sweep's data set, looked at as far as is quick.

    Raises:
        DataError: a file is missing or does not fit, or a split is empty.
        SettingsError: `report.images` names an image that is not there.
    """
    dataset = build_dataset(sweep.data)
    dataset.check()
    for split in _NEEDED_SPLITS:
        if not dataset.names(split):
            raise DataError(f"the {split} split of data set '{sweep.data.dataset}' has no images")
        dataset.load(split, 0)  # a class table that fits no mask would else fail in every job
    select_images(dataset.names("val"), sweep.report.wanted_images)
    return dataset
