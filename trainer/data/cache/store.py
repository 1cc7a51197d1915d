"""The decoded cache: each split is decoded once, into files that all trials of a node share.

There are two kinds of entries. `exact` has each image and label stretched to the training size. It
is used for validation, for choosing samples, and for training without crops. `source` has them at
their original size, or with the longer side at most `data.cache_size`. Augmentations that crop and
scale take their windows from it, so that scaling up shows real detail.
"""

import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from searchctl.trainer.core.ahead import in_threads
from searchctl.trainer.core.errors import DataError
from searchctl.trainer.data.cache.entry import Entry, EntryWriter, Layout
from searchctl.trainer.data.cache.folder import CacheFolder
from searchctl.trainer.data.cache.name import Need, entry_name
from searchctl.trainer.data.facts.book import Book
from searchctl.trainer.data.facts.image_facts import Seeing
from searchctl.trainer.data.files.raster import mask_missing
from searchctl.trainer.data.resizing import Size, fitted, resized_image, resized_label
from searchctl.trainer.data.sets.base import Dataset
from searchctl.trainer.data.settings import DataSettings, Split


def decode_split(
    dataset: Dataset,
    split: Split,
    writers: Sequence[EntryWriter],
    decoded: Callable[[], None],
    book: Book,
) -> None:
    """Decode each image of a split once, and write it at the size of each writer.

    Args:
        dataset: data set; several threads read it at the same time.
        split: the split to decode.
        writers: writers of the entries.
        decoded: called after each image, in the calling thread.
        book: takes note of what each pair holds, so that the checks need not decode it again.

    Raises:
        DataError: images cannot be decoded; the message names all of them.
    """

    def decode(index: int) -> str | None:
        try:
            reading = dataset.read(split, index)
            book.note(split, index, reading)
        except DataError as error:
            return str(error)
        for writer in writers:
            layout = writer.layout
            stored = resized_image(reading.image, layout.images[index])
            ids = resized_label(reading.label, layout.labels[index])
            writer.put(index, stored, mask_missing(stored, ids, dataset.ignore_index))
        return None

    problems = []
    indices = range(len(dataset.names(split)))
    # all threads must end before the caller closes the files
    with closing(in_threads(decode, indices, "decoding")) as results:
        for _, problem in results:
            problems += [problem] if problem else []
            decoded()
    if problems:
        raise DataError(*problems)


log = logging.getLogger(__name__)

OnProgress = Callable[[int, int], None]
"""Called repeatedly with the number of decoded images and the total; it may raise to cancel."""


def ignore_progress(done: int, total: int) -> None:
    """Do nothing."""


class Cache:
    """The entries of one data set.

    The data set's files are listed once. Later edits are noticed by a new object only.
    """

    def __init__(self, data: DataSettings, dataset: Dataset, book: Book | None = None) -> None:
        self._data = data
        self._dataset = dataset
        self._book = book or Book(dataset, Seeing(data.image_size))
        self._folder = CacheFolder(cache_directory(data), round(data.cache_limit_gb * 1e9))
        self._names: dict[Need, str] = {}

    def entry(self, need: Need) -> Entry:
        """Return an entry; it is built if it does not exist.

        Raises:
            DataError: see `build`.
        """
        # a loop, since another process may evict the entry right after it was built
        while (entry := self._find(need)) is None:
            self.build([need])
        return entry

    def path(self, need: Need) -> Path:
        """Return the directory of an entry, whether it exists or not."""
        return self._folder.path / self._name(need)

    def build(self, needs: Collection[Need], on_progress: OnProgress = ignore_progress) -> None:
        """Build the missing entries; a split is decoded once for both kinds.

        Raises:
            DataError: files of the data set are missing, unreadable or do not match (the message
                names all of them), or the cache directory is read-only or full.
        """
        missing = [need for need in needs if self._find(need) is None]
        if not missing:
            return
        # fail before the first image is decoded, with all missing files at once
        self._dataset.check()
        splits = dict.fromkeys(need.split for need in missing)
        progress = _Progress(sum(map(self._images, splits)), on_progress)
        log.info("decoding %d images into %s", progress.total, self._folder.path)
        keep = [self._name(need) for need in needs]
        with self._writing():
            layouts = {need: self._layout(need) for need in missing}
            # for all splits together: else the second one would evict the first
            self._folder.check_limit(_bytes(layouts.values()), keep, _fix(layouts))
            for split in splits:
                self._build({n: layouts[n] for n in missing if n.split == split}, keep, progress)
                progress.split_done(self._images(split))

    def _build(
        self, layouts: Mapping[Need, Layout], keep: Collection[str], progress: "_Progress"
    ) -> None:
        """Build entries of one split, unless another builder has built them meanwhile."""
        with ExitStack() as locks:
            paths = {}
            # all builders take the locks in this order, so there is no deadlock
            for need in sorted(layouts, key=self._name):
                building = self._folder.building(self._name(need), progress.waiting)
                paths[need] = locks.enter_context(building)
            pending = {need: layouts[need] for need in layouts if self._find(need) is None}
            if pending:
                with ExitStack() as files:
                    writers = []
                    with self._folder.reserve(_bytes(pending.values()), keep, _fix(pending)):
                        for need, layout in pending.items():
                            writers.append(files.enter_context(EntryWriter(paths[need], layout)))
                    self._decode(next(iter(pending)).split, writers, progress)
                for need in pending:
                    self._folder.publish(self._name(need))

    def _decode(self, split: Split, writers: Sequence[EntryWriter], progress: "_Progress") -> None:
        decode_split(self._dataset, split, writers, progress.image_done, self._book)
        self._book.save()
        self._check_labelled(split, writers)
        for writer in writers:
            writer.finish()

    def _check_labelled(self, split: Split, writers: Sequence[EntryWriter]) -> None:
        for pixels in (writer.pixels for writer in writers):
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
        return Layout(
            sizes,
            labels,
            channels=self._data.channels,
            pixel_type=self._data.pixel_type,
        )

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
        """Add the fix to any error of the disk."""
        try:
            yield
        except OSError as error:
            raise DataError(
                f"cannot write decoded images to {self._folder.path}: "
                f"{error.strerror or error}; set data.cache_dir to a directory that can be "
                "written to and has room"
            ) from error


class _Progress:
    """Counts the decoded images of all splits, and reports them."""

    def __init__(self, total: int, on_progress: OnProgress) -> None:
        self.total = total
        self._on_progress = on_progress
        self._done = self._before = 0

    def waiting(self) -> None:
        """Report the progress again while another process builds; the callback may cancel."""
        self._on_progress(self._done, self.total)

    def image_done(self) -> None:
        """Count a decoded image."""
        self._done += 1
        self._on_progress(self._done, self.total)

    def split_done(self, images: int) -> None:
        """Count all images of a split, whichever process decoded them."""
        self._before += images
        self._done = self._before
        self._on_progress(self._done, self.total)


def cache_directory(data: DataSettings) -> Path:
    """Return the directory of the decoded images."""
    if data.cache_dir is not None:
        return data.cache_dir.expanduser()
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "searchctl"


def _bytes(layouts: Iterable[Layout]) -> int:
    return sum(layout.bytes for layout in layouts)


def _fix(needs: Iterable[Need]) -> str:
    """Return the setting to change if these entries are too large."""
    if any(need.kind == "source" for need in needs):
        return "data.cache_size to fewer pixels than the images' longer side"
    return "data.image_size to fewer pixels"
