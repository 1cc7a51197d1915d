"""Checks a whole data set: reads what was not read before, and says what is wrong with it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from searchctl.trainer.core.ahead import in_threads
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.checks.classes import class_problems, class_warnings
from searchctl.trainer.data.checks.inventory import pairing_warnings, unused_of, unused_warnings
from searchctl.trainer.data.checks.leaks import leaks
from searchctl.trainer.data.checks.pixels import palette_problems, pixel_warnings
from searchctl.trainer.data.checks.problems import Problems
from searchctl.trainer.data.checks.report import DataReport, SplitReport
from searchctl.trainer.data.checks.two_codings import coding_warnings
from searchctl.trainer.data.facts.book import Book
from searchctl.trainer.data.facts.image_facts import ImageFacts
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.sets.files import SPLITS
from searchctl.trainer.data.settings import Split

OnImage = Callable[[int, int], None]
"""Called with (done, all) after each image."""


def check_data(
    dataset: Dataset, on_image: OnImage = lambda done, total: None, book: Book | None = None
) -> DataReport:
    """Check every image and label of every split.

    What is wrong with the data raises nothing: all of it is in the report.

    Args:
        dataset: the data set.
        on_image: called with (done, all) after each image.
        book: what is known of its pairs; those that it does not know are decoded.
    """
    book = book or Book(dataset)
    problems = Problems()
    names: dict[Split, tuple[str, ...]] = dict.fromkeys(SPLITS, ())
    class_names: tuple[str, ...] = ()
    for split in SPLITS:
        with problems.noted():
            class_names, names[split] = dataset.class_names, dataset.names(split)
    if not problems:
        problems.add(
            f"the {split} split holds no images" for split in SPLITS[:2] if not names[split]
        )
    facts = _read(names, book, problems, on_image)
    if problems:  # a pair that cannot be read may have another fault in its other file
        with problems.noted():
            dataset.check()
    splits = tuple(
        _report(dataset, split, names[split], facts[split], len(class_names)) for split in SPLITS
    )
    unused = unused_of(dataset) if any(names.values()) else ()
    if any(report.read for report in splits):
        problems.add(class_problems(dataset, splits))
        problems.add(palette_problems(splits))
    warnings = (
        *(class_warnings(dataset, splits, book.seeing) if class_names else ()),
        *coding_warnings(dataset, splits),
        *pixel_warnings(splits),
        *leaks(splits),
        *(pairing_warnings(dataset) if any(names.values()) else ()),
        *(unused_warnings(unused) if dataset.read_whole else ()),
    )
    return DataReport(class_names, splits, unused, problems.lines, warnings)


def _read(
    names: Mapping[Split, Sequence[str]],
    book: Book,
    problems: Problems,
    on_image: OnImage,
) -> dict[Split, list[ImageFacts | None]]:
    """Return what each image holds; None, with the problem noted, for one that cannot be read."""

    def read(task: tuple[Split, int]) -> ImageFacts | DataError:
        try:
            return book.facts(*task)
        except DataError as error:
            return error

    tasks = ((split, index) for split in SPLITS for index in range(len(names[split])))
    total = sum(len(names[split]) for split in SPLITS)
    found: dict[Split, list[ImageFacts | None]] = {split: [] for split in SPLITS}
    with closing(in_threads(read, tasks, "checking")) as results:
        for done, ((split, _), facts) in enumerate(results, 1):
            if isinstance(facts, DataError):
                problems.add(facts.every)
            found[split].append(None if isinstance(facts, DataError) else facts)
            on_image(done, total)
    book.save()
    return found


def _report(
    dataset: Dataset,
    split: Split,
    names: tuple[str, ...],
    facts: Sequence[ImageFacts | None],
    classes: int,
) -> SplitReport:
    groups = tuple(dataset.group(split, index) for index in range(len(names)))
    return SplitReport(split, names, groups, tuple(facts), classes)
