"""The decoded cache: each split is decoded once, into files that all trials of a node share.

There are two kinds of entries. `exact` has every image and label stretched to the training size:
what is validated on, what samples are chosen by, and what is trained on as long as no augmentation
needs more. `source` has them at their own size, or with the longer side at most `data.cache_size`:
the augmentations that crop and scale cut their windows from it, so that scaling up shows detail.
"""

import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.cache.entry import Entry, EntryWriter, Layout
from searchctl.trainer.data.cache.folder import CacheFolder
from searchctl.trainer.data.cache.name import Need, entry_name
from searchctl.trainer.data.resizing import Size, fitted, resized_image, resized_label
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.settings import DataSettings, Split

_MOST_THREADS = 16
"""Each holds an image of original size, and more would outrun most disks."""


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
        raise DataError(*problems)


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


log = logging.getLogger(__name__)

OnProgress = Callable[[int, int], None]
"""Told again and again how many images are decoded, and of how many; may raise to end it."""


def ignore_progress(done: int, total: int) -> None:
    """OnProgress nobody."""


class Cache:
    """The entries of one data set.

    The data set's files are looked at once: an edit is seen by the next object, not by this one.
    """

    def __init__(self, data: DataSettings, dataset: Dataset) -> None:
        self._data = data
        self._dataset = dataset
        self._folder = CacheFolder(_directory(data), round(data.cache_limit_gb * 1e9))
        self._names: dict[Need, str] = {}

    def entry(self, need: Need) -> Entry:
        """Return an entry, which is built if it is not there.

        Raises:
            DataError: as `build` does.
        """
        while (entry := self._find(need)) is None:  # others may remove it as soon as it is built
            self.build([need])
        return entry

    def path(self, need: Need) -> Path:
        """Return the directory of an entry, whether it is there or not."""
        return self._folder.path / self._name(need)

    def build(self, needs: Collection[Need], tell: OnProgress = ignore_progress) -> None:
        """Build those entries that are not there; a split is decoded once for both of its kinds.

        Raises:
            DataError: a file of the data set is missing, unreadable or does not fit, with every
                such path; or the cache's directory cannot be written to, or has no room.
        """
        missing = [need for need in needs if self._find(need) is None]
        if not missing:
            return
        self._dataset.check()
        splits = dict.fromkeys(need.split for need in missing)
        progress = _Progress(sum(map(self._images, splits)), tell)
        log.info("decoding %d images into %s", progress.total, self._folder.path)
        keep = [self._name(need) for need in needs]
        with self._writing():
            layouts = {need: self._layout(need) for need in missing}
            self._folder.check_limit(_bytes(layouts.values()), keep, _fix(layouts))
            for split in splits:
                self._build({n: layouts[n] for n in missing if n.split == split}, keep, progress)
                progress.split_done(self._images(split))

    def _build(
        self, layouts: Mapping[Need, Layout], keep: Collection[str], progress: "_Progress"
    ) -> None:
        """Build entries of one split; another builder may be at work on them, or have been."""
        with ExitStack() as locks:
            paths = {}
            for need in sorted(layouts, key=self._name):  # everywhere in this order: no deadlock
                building = self._folder.building(self._name(need), progress.waiting)
                paths[need] = locks.enter_context(building)
            left = {need: layouts[need] for need in layouts if self._find(need) is None}
            if left:
                with ExitStack() as files:
                    writers = []
                    with self._folder.room(_bytes(left.values()), keep, _fix(left)):
                        for need, layout in left.items():
                            writers.append(files.enter_context(EntryWriter(paths[need], layout)))
                    self._decode(next(iter(left)).split, writers, progress)
                for need in left:
                    self._folder.publish(self._name(need))

    def _decode(self, split: Split, writers: Sequence[EntryWriter], progress: "_Progress") -> None:
        decode_split(self._dataset, split, writers, progress.one_more)
        self._check_labelled(split, writers)
        for writer in writers:
            writer.finish()

    def _check_labelled(self, split: Split, writers: Sequence[EntryWriter]) -> None:
        for pixels in (writer.pixels for writer in writers if writer.layout.counted):
            if pixels.sum() == pixels[:, self._dataset.ignore_index].sum():
                raise DataError(f"no mask of the {split} split holds any pixel of a class")

    def _layout(self, need: Need) -> Layout:
        indices = range(self._images(need.split))
        sizes: list[Size] = [self._data.image_size for _ in indices]
        if need.kind == "source":
            sizes = [self._dataset.size(need.split, index) for index in indices]
            if self._data.cache_size != "native":
                sizes = [fitted(size, self._data.cache_size) for size in sizes]
        labels = [(1, 1) for _ in indices] if self._data.task == "classification" else sizes
        return Layout(sizes, labels, counted=need.kind == "exact")

    def _images(self, split: Split) -> int:
        return len(self._dataset.names(split))

    def _name(self, need: Need) -> str:
        if need not in self._names:
            self._names[need] = entry_name(self._data, self._dataset, need)
        return self._names[need]

    def _find(self, need: Need) -> Entry | None:
        name = self._name(need)
        self._folder.touch(name)
        return Entry.open_if_complete(self._folder.path / name)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Name the fix of whatever the disk refuses."""
        try:
            yield
        except OSError as error:
            raise DataError(
                f"cannot write decoded images to {self._folder.path}: "
                f"{error.strerror or error}; set data.cache_dir to a directory that can be "
                "written to and has room"
            ) from error


class _Progress:
    """Counts the decoded images of all splits."""

    def __init__(self, total: int, tell: OnProgress) -> None:
        self.total = total
        self._tell = tell
        self._done = self._before = 0

    def waiting(self) -> None:
        """Somebody else is at work."""
        self._tell(self._done, self.total)

    def one_more(self) -> None:
        """An image is decoded."""
        self._done += 1
        self._tell(self._done, self.total)

    def split_done(self, images: int) -> None:
        """A whole split is there, who has decoded it."""
        self._before += images
        self._done = self._before
        self._tell(self._done, self.total)


def _directory(data: DataSettings) -> Path:
    if data.cache_dir is not None:
        return data.cache_dir.expanduser()
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "searchctl"


def _bytes(layouts: Iterable[Layout]) -> int:
    return sum(layout.bytes for layout in layouts)


def _fix(needs: Iterable[Need]) -> str:
    """Return what helps if these entries are too large."""
    if any(need.kind == "source" for need in needs):
        return "data.cache_size to fewer pixels than the images' longer side"
    return "data.image_size to fewer pixels"
