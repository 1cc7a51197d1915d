"""Batches of a sample's images: shuffled and augmented to train on, or plain and in order."""

import signal
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from trainer import catalog, transforms
from trainer.errors import WorkerLost
from trainer.samples import (
    LoadedSplit,
    build_dataset,
    data_fingerprint,
    load_sample,
    load_split,
    sample_hash,
    sample_order,
)
from trainer.seeds import derive_seed

__all__ = [
    "TrainingBatches",
    "fixed_batches",
    "LoadedSplit",
    "build_dataset",
    "data_fingerprint",
    "load_sample",
    "load_split",
    "sample_hash",
    "sample_order",
]

Batch = tuple[Tensor, Tensor]
"""Images uint8 [batch, 3, height, width] and labels uint8 [batch, height, width]."""
_Draw = tuple[int, int]
"""(epoch, index): all that an item of the loader depends on, so that workers share no state."""
_Item = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
_IN_A_WORKER = "in DataLoader worker process"
"""What torch adds to the message of an error that a loader's worker met."""


class TrainingBatches:
    """The training batches of one job, epoch by epoch.

    What an epoch yields is a function of (seed, rung, epoch) and the images alone: not of the
    epochs drawn before it, of the number of workers, or of the trial.
    """

    def __init__(
        self,
        split: LoadedSplit,
        *,
        batch_size: int,
        augment: str,
        seed: int,
        rung: int,
        workers: int,
    ) -> None:
        self._split = split
        self._plan = _Plan(len(split.names), batch_size, seed, rung)
        make = catalog.load(catalog.AUGMENTATIONS, augment)
        pipeline = make(*split.labels.shape[1:], split.dataset.ignore_index)
        self._loader = (
            None
            if pipeline is None and workers == 0
            else DataLoader(
                _Augmented(split, pipeline, seed, rung),
                batch_sampler=self._plan,
                num_workers=workers,
                persistent_workers=workers > 0,
                collate_fn=_collate,
                pin_memory=torch.cuda.is_available(),
                # it draws a seed whenever workers are started: from the global generator, dropout's
                # numbers would depend on their count and on where a run began
                generator=torch.Generator(),
                worker_init_fn=_leave_ctrl_c_to_the_training_process,
            )
        )

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return len(self._plan)

    @property
    def sizes(self) -> list[int]:
        """Images of each batch, the same in every epoch."""
        return self._plan.sizes

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield every image once, shuffled for this epoch; a last batch of one is never alone."""
        self._plan.epoch = epoch
        if self._loader is not None:
            yield from _from_live_workers(self._loader)
            return
        # nothing to change and no one to share with: one gather a batch, a loader would cost more
        for draws in self._plan:
            yield _gather(self._split, [index for _, index in draws])


def fixed_batches(split: LoadedSplit, batch_size: int) -> Iterator[Batch]:
    """Yield every image once, unchanged and in order; the last batch may be smaller."""
    everything = list(range(len(split.names)))
    for start in range(0, len(everything), batch_size):
        yield _gather(split, everything[start : start + batch_size])


class _Plan(Sampler[list[_Draw]]):
    """The epoch's shuffled batches, drawn in the training process whatever loads them."""

    def __init__(self, images: int, batch_size: int, seed: int, rung: int) -> None:
        self.epoch = 1
        self._images = images
        self._batch_size = batch_size
        self._seed = seed
        self._rung = rung

    def __len__(self) -> int:
        full, rest = divmod(self._images, self._batch_size)
        # batch normalisation has no variance over one image: it joins the batch before
        return full if rest == 0 or (rest == 1 and full) else full + 1

    @property
    def sizes(self) -> list[int]:
        before = (len(self) - 1) * self._batch_size
        return [*[self._batch_size] * (len(self) - 1), self._images - before]

    def __iter__(self) -> Iterator[list[_Draw]]:
        epoch = self.epoch
        order = _shuffled(self._images, derive_seed(self._seed, "order", self._rung, epoch))
        starts = [step * self._batch_size for step in range(len(self))]
        for start, end in zip(starts, [*starts[1:], self._images], strict=True):
            yield [(epoch, index) for index in order[start:end]]


def _shuffled(count: int, seed: int) -> list[int]:
    order: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    return order


class _Augmented(TorchDataset[_Item]):
    """One augmented image at a time, for the processes of a DataLoader."""

    def __init__(self, split: LoadedSplit, pipeline: Any, seed: int, rung: int) -> None:
        self._split = split
        self._pipeline = pipeline
        self._seed = seed
        self._rung = rung

    def __getitem__(self, draw: _Draw) -> _Item:
        epoch, index = draw
        image, label = self._split.images[index], self._split.labels[index]
        if self._pipeline is None:
            return image, label
        name = self._split.names[index]
        transforms.reseed(self._pipeline, self._seed, self._rung, epoch, name)
        changed = self._pipeline(image=image, mask=label)
        return changed["image"], changed["mask"]


def _from_live_workers(loader: DataLoader[_Item]) -> Iterator[Batch]:
    """Yield the loader's batches; a worker that dies while it hands one over is named for it.

    Otherwise the pipe's end would pass for an error of this machine's disk, or of the settings.
    """
    try:
        yield from loader
    except (EOFError, OSError) as error:
        if _IN_A_WORKER in str(error):
            raise  # a living worker's own error: it could not read an image
        raise WorkerLost(f"a loader's worker died: {type(error).__name__}: {error}") from error


def _leave_ctrl_c_to_the_training_process(worker: int) -> None:
    """A terminal sends Ctrl-C to workers too; they have to last until the training has left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _collate(items: Sequence[_Item]) -> Batch:
    images, labels = zip(*items, strict=True)
    return _channels_first(np.stack(images)), torch.from_numpy(np.stack(labels))


def _gather(split: LoadedSplit, chosen: list[int]) -> Batch:
    images, labels = _channels_first(split.images[chosen]), torch.from_numpy(split.labels[chosen])
    if torch.cuda.is_available():
        return images.pin_memory(), labels.pin_memory()
    return images, labels


def _channels_first(images: npt.NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
