"""Checks a whole data set: reads what was not read before, and says what is wrong with it."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.checks.book import Book
from searchctl.trainer.data.checks.classes import class_problems, class_warnings
from searchctl.trainer.data.checks.facts import ImageFacts
from searchctl.trainer.data.checks.inventory import unused_of, unused_warnings
from searchctl.trainer.data.checks.leaks import leaks
from searchctl.trainer.data.checks.pixels import palette_problems, pixel_warnings
from searchctl.trainer.data.checks.problems import Problems
from searchctl.trainer.data.checks.report import DataReport, SplitReport
from searchctl.trainer.data.checks.two_codings import coding_warnings
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.sets.files import SPLITS
from searchctl.trainer.data.settings import Split

OnImage = Callable[[int, int], None]
"""Called with (done, all) after each image."""
_MOST_THREADS = 16
"""Each holds an image of original size."""


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
    if not _all_known(names, book):  # what was decoded once has headers that fit
        with problems.noted():
            dataset.check()
    if not problems:
        problems.add(
            f"the {split} split holds no images" for split in SPLITS[:2] if not names[split]
        )
    facts = _read(dataset, names, book, problems, on_image)
    splits = tuple(
        _report(dataset, split, names[split], facts[split], len(class_names)) for split in SPLITS
    )
    unused = unused_of(dataset) if any(names.values()) else ()
    if any(report.read for report in splits):
        problems.add(class_problems(dataset, splits))
        problems.add(palette_problems(splits))
    warnings = (
        *(class_warnings(dataset, splits, book.image_size) if class_names else ()),
        *coding_warnings(dataset, splits),
        *pixel_warnings(splits),
        *leaks(splits),
        *(unused_warnings(unused) if dataset.read_whole else ()),
    )
    return DataReport(class_names, splits, unused, problems.lines, warnings)


def _all_known(names: Mapping[Split, Sequence[str]], book: Book) -> bool:
    return all(book.knows(split, index) for split in SPLITS for index in range(len(names[split])))


def _read(
    dataset: Dataset,
    names: Mapping[Split, Sequence[str]],
    book: Book,
    problems: Problems,
    on_image: OnImage,
) -> dict[Split, list[ImageFacts | None]]:
    """Return what each image holds; None, with the problem noted, for one that cannot be read."""
    tasks = [(split, index) for split in SPLITS for index in range(len(names[split]))]
    found: dict[Split, list[ImageFacts | None]] = {split: [] for split in SPLITS}
    for done, ((split, _), facts) in enumerate(_in_threads(book, tasks), 1):
        if isinstance(facts, DataError):
            problems.add(facts.every)
        found[split].append(None if isinstance(facts, DataError) else facts)
        on_image(done, len(tasks))
    book.save()
    return found


Task = tuple[Split, int]


def _in_threads(book: Book, tasks: Sequence[Task]) -> Iterator[tuple[Task, ImageFacts | DataError]]:
    """Yield what each image holds, in order, a few images ahead in threads of their own."""

    def read(task: Task) -> ImageFacts | DataError:
        try:
            return book.facts(*task)
        except DataError as error:
            return error

    threads = min(_cores(), _MOST_THREADS)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="checking")
    try:
        waiting = iter(tasks)
        ahead = [(task, pool.submit(read, task)) for task in islice(waiting, 2 * threads)]
        while ahead:
            task, future = ahead.pop(0)
            yield task, future.result()
            ahead += [(each, pool.submit(read, each)) for each in islice(waiting, 1)]
    finally:
        pool.shutdown(cancel_futures=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _report(
    dataset: Dataset,
    split: Split,
    names: tuple[str, ...],
    facts: Sequence[ImageFacts | None],
    classes: int,
) -> SplitReport:
    groups = tuple(dataset.group(split, index) for index in range(len(names)))
    return SplitReport(split, names, groups, tuple(facts), classes)
