"""Decodes a split of a data set once, on all cores, into entries of the cache."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.cache.entry import EntryWriter
from searchctl.trainer.data.resizing import resized_image, resized_label
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.settings import Split

_MOST_THREADS = 16
"""Each holds an image of full size, and more would outrun most disks."""


def decode_split(
    dataset: Dataset, split: Split, writers: Sequence[EntryWriter], decoded: Callable[[], None]
) -> None:
    """Decode every image of a split once, and write it at the size that each writer wants.

    Args:
        dataset: read by several threads at once.
        split: of it.
        writers: of the entries.
        decoded: called after each image, in the calling thread.

    Raises:
        DataError: with every image that cannot be decoded, not the first alone.
    """

    def decode(index: int) -> str | None:
        try:
            image, label = dataset.load(split, index)
        except DataError as error:
            return str(error)
        for writer in writers:
            layout = writer.layout
            stored = resized_image(image, layout.images[index])
            writer.put(index, stored, resized_label(label, layout.labels[index]))
        return None

    problems = []
    pool = ThreadPoolExecutor(min(_cores(), _MOST_THREADS), thread_name_prefix="decoding")
    try:
        for problem in pool.map(decode, range(len(dataset.names(split)))):
            problems += [problem] if problem else []
            decoded()
    finally:  # no thread is left that would write when the files are closed
        pool.shutdown(cancel_futures=True)
    if problems:
        raise DataError("\n".join(problems))


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
