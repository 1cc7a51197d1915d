"""Batches of a sample's images: shuffled and augmented to train on, or plain and in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from queue import SimpleQueue

import cv2
import torch
from torch import Tensor

from searchctl.trainer.core.array_views import Bytes
from searchctl.trainer.core.seeds import derive_seed
from searchctl.trainer.data.augment.chosen import Augmenter, augmenter, cuts_source
from searchctl.trainer.data.fingerprints import data_fingerprint, sample_hash
from searchctl.trainer.data.opening import build_dataset
from searchctl.trainer.data.samples import (
    LoadedSplit,
    decode_ahead,
    load_sample,
    load_split,
    normalisation_of,
    sample_order,
)
from searchctl.trainer.ddp.group import SINGLE_PROCESS, ProcessGroup
from searchctl.trainer.settings.source.own import Augment

__all__ = [
    "TrainingBatches",
    "fixed_batches",
    "LoadedSplit",
    "build_dataset",
    "data_fingerprint",
    "decode_ahead",
    "load_sample",
    "load_split",
    "normalisation_of",
    "sample_hash",
    "sample_order",
]

Batch = tuple[Tensor, Tensor]
"""Images [batch, channels, height, width], uint8 or float32 with NaN where missing; and labels
uint8 [batch, height, width]."""
_AHEAD = 2
"""Batches that may wait for the training, besides the one that each thread is at."""


class TrainingBatches:
    """The training batches of one job, epoch by epoch.

    What an epoch yields is a function of the seed, the epoch and the images alone: not of the
    epochs drawn before it, of the number of workers, or of the trial. A process of a process group
    is given its part of each batch; the parts of all are the batch.
    """

    def __init__(
        self,
        split: LoadedSplit,
        *,
        batch_size: int,
        augment: Augment,
        seed: int,
        workers: int,
        process_group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        self._split = split
        self._process_group = process_group
        self._batch_size = batch_size
        self._seed = seed
        self._workers = workers
        # a window is cut from what has more detail than the training size
        sources = split.sources() if cuts_source(augment) else (split.images, split.labels)
        self._images, self._labels = sources
        self._augmenters = _augmenters(augment, split, count=max(workers, 1))

    @property
    def sizes(self) -> list[int]:
        """Images of each batch of an epoch, who has them."""
        full, rest = divmod(len(self._split.names), self._batch_size)
        sizes = [self._batch_size] * full
        if rest == 1 and full:  # batch normalisation has no variance over one image
            sizes[-1] += 1
        elif rest:
            sizes.append(rest)
        return sizes

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return len(self.sizes)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield every image once, shuffled for this epoch; a last batch of one is never alone."""
        fill = partial(self._fill, epoch)
        yield from _filled(self._split, self._plan(epoch), fill, self._workers)

    def _plan(self, epoch: int) -> list[list[int]]:
        """Return the images of each batch, of those that are this process's part."""
        seed = derive_seed(self._seed, "order", len(self._split.names), epoch)
        order = iter(_shuffled(len(self._split.names), seed))
        return [self._process_group.shard(list(islice(order, size))) for size in self.sizes]

    def _fill(self, epoch: int, chosen: Sequence[int], batch: Batch) -> None:
        """Put these images into a batch; runs in a thread of its own."""
        images, labels = batch[0].numpy(), batch[1].numpy()
        names = self._split.names
        used = self._augmenters.get()
        try:
            for position, index in enumerate(chosen):
                seed = (self._seed, "augment", len(names), epoch, names[index])
                changed = used.changed(self._images[index], self._labels[index], *seed)
                _put(*changed, images[position], labels[position])
        finally:
            self._augmenters.put(used)


def fixed_batches(split: LoadedSplit, batch_size: int, *, ahead: bool = False) -> Iterator[Batch]:
    """Yield every image once, unchanged and in order; the last batch may be smaller.

    Args:
        split: the images.
        batch_size: images of each batch.
        ahead: read the next batches in a thread.
    """
    images = range(len(split.names))
    plan = [images[start : start + batch_size] for start in images[::batch_size]]
    yield from _filled(split, plan, partial(_fill_unchanged, split), workers=int(ahead))


def _fill_unchanged(split: LoadedSplit, chosen: Sequence[int], batch: Batch) -> None:
    for index, image, label in zip(chosen, batch[0].numpy(), batch[1].numpy(), strict=True):
        _put(split.images[index], split.labels[index], image, label)


def _filled(
    split: LoadedSplit,
    plan: Iterable[Sequence[int]],
    fill: Callable[[Sequence[int], Batch], None],
    workers: int,
) -> Iterator[Batch]:
    """Yield the batches in their order, filled in between or by threads ahead."""
    if workers:
        yield from _filled_ahead(split, plan, fill, workers)
        return
    for chosen in plan:
        batch = _empty_batch(split, len(chosen))
        fill(chosen, batch)
        yield batch


def _filled_ahead(
    split: LoadedSplit,
    plan: Iterable[Sequence[int]],
    fill: Callable[[Sequence[int], Batch], None],
    workers: int,
) -> Iterator[Batch]:
    """Yield batches in their order, while threads fill the next ones.

    An error in a thread is raised here; who leaves waits for the images at hand at most.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="loader")
    waiting: deque[tuple[Batch, Future[None]]] = deque()

    def next_one() -> Batch:
        batch, filled = waiting.popleft()
        filled.result()
        return batch

    try:
        for chosen in plan:
            # allocated here: memory of one thread is used again sooner than that of many
            batch = _empty_batch(split, len(chosen))
            waiting.append((batch, pool.submit(fill, chosen, batch)))
            if len(waiting) == workers + _AHEAD:
                yield next_one()
        while waiting:
            yield next_one()
    finally:
        pool.shutdown(cancel_futures=True)


def _augmenters(augment: Augment, split: LoadedSplit, count: int) -> "SimpleQueue[Augmenter]":
    """Return one for each thread."""
    height, width = split.images.shape[1:3]
    augmenters: SimpleQueue[Augmenter] = SimpleQueue()
    for _ in range(count):
        augmenters.put(augmenter(augment, (height, width), split.dataset.ignore_index))
    return augmenters


def _shuffled(count: int, seed: int) -> list[int]:
    order: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    return order


def _empty_batch(split: LoadedSplit, count: int) -> Batch:
    height, width = split.images.shape[1:3]
    pinned = torch.cuda.is_available()
    dtype = getattr(torch, split.data.pixel_type)
    return (
        torch.empty(count, split.images.shape[-1], height, width, dtype=dtype, pin_memory=pinned),
        torch.empty(count, *split.labels.shape[1:], dtype=torch.uint8, pin_memory=pinned),
    )


def _put(image: Bytes, label: Bytes, into: Bytes, label_into: Bytes) -> None:
    """Copy an image [height, width, channels] to [channels, height, width], and its label."""
    assert image.shape[:2] == into.shape[1:], "OpenCV would write elsewhere"
    cv2.split(image, list(into))  # three times as fast as a transposed copy
    label_into[...] = label
