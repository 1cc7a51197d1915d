"""Opens a sweep's data set and runs the quick checks on it. Imports torch."""

from collections.abc import Iterator
from contextlib import contextmanager

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.trainer.core.errors import DataError, SettingsError
from searchctl.trainer.data.checks.checked import check_files, checked_data
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.settings import DataSettings, Split
from searchctl.trainer.pictures.mask_sheet import select_images
from searchctl.trainer.scores.catalog import class_problem

_NEEDED_SPLITS: tuple[Split, ...] = ("train", "val")


def checked_dataset(sweep: Sweep) -> Dataset:
    """Return a sweep's data set after the quick checks.

    Raises:
        DataError: a file is missing or does not fit, or a split is empty; names every problem.
        SettingsError: `report.images` names an image that does not exist, or `halving.score` a
            class.
    """
    dataset = build_dataset(sweep.data)
    with every_problem(sweep.data):
        check_files(sweep.data)
        for split in _NEEDED_SPLITS:
            if not dataset.names(split):
                raise DataError(f"the {split} split holds no images")
            # One image of each split: without this, a wrong class table would fail in every job.
            if sweep.data.dataset != "lists":  # only a script reads their samples
                dataset.load(split, 0)
    for score in sweep.halving.scores:
        if problem := class_problem(score, dataset.class_names):
            raise SettingsError(f"halving.score: {score}: {problem}")
    select_images(dataset.names("val"), sweep.report.wanted_images)
    return dataset


@contextmanager
def every_problem(data: DataSettings) -> Iterator[None]:
    """Report a DataError with all other problems of the data, as `searchctl data check` does.

    Raises:
        DataError: the block found a problem; each problem of the data set is a message.
    """
    try:
        yield
    except DataError as error:
        problems = checked_data(data).problems
        raise DataError(*problems or error.every) from error
