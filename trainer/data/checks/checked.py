"""The check of a whole data set, which `searchctl data check` and each launch run."""

from dataclasses import replace

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.cache.store import ignore_progress
from searchctl.trainer.data.checks.check import OnImage, check_data
from searchctl.trainer.data.checks.report import DataReport
from searchctl.trainer.data.checks.tiles import tile_counts, tile_warnings
from searchctl.trainer.data.opening import book_of, build_dataset, of_whole_images
from searchctl.trainer.data.settings import DataSettings, ListsData
from searchctl.trainer.data.settings.raster import RasterData


def check_files(data: DataSettings) -> None:
    """Check that every file is there and fits, by headers; those that were decoded before do.

    Raises:
        DataError: with every offending path.
    """
    if not book_of(data).knows_all():
        build_dataset(data).check()


def checked_data(data: DataSettings, on_image: OnImage = ignore_progress) -> DataReport:
    """Check a whole data set; what the decoding has seen is not decoded again.

    Args:
        data: settings of the data set.
        on_image: called with (done, all) after each image.
    """
    if isinstance(data, ListsData):
        return _checked_lists(data)
    report = check_data(of_whole_images(data), on_image, book_of(data))
    if not isinstance(data, RasterData) or data.tile is None:
        return report
    return replace(
        report,
        warnings=(*report.warnings, *tile_warnings(report.splits, data.tile)),
        tiles=tile_counts(report.splits, data.tile, data.tile_overlap),
    )


def _checked_lists(data: ListsData) -> DataReport:
    """Check lists as lists: only a script reads what they name."""
    problems: tuple[str, ...] = ()
    try:
        build_dataset(data).check()
    except DataError as error:
        problems = tuple(error.every)
    return DataReport(data.classes, splits=(), unused=(), problems=problems, warnings=())
