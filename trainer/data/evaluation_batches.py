"""Batches to evaluate on: unchanged and in order, read ahead for a GPU, and kept there if they fit.

Nothing here changes a number.
"""

import math
from collections.abc import Iterator

import torch

from searchctl.trainer.core.machine.memory import free_bytes
from searchctl.trainer.data.loader import Batch, LoadedSplit, fixed_batches
from searchctl.trainer.ddp.group import ProcessGroup

KEPT_SHARE = 8
"""The images may take one byte in so many of the GPU's free memory. Free is what the training has
left after its first epoch; other processes may need some of it."""
GPU_FACTOR = 2
"""Images of a batch on a GPU, to one of training. Without gradients, an image takes less memory:
on a CPU 0.38 of that in training with U-Net, 0.14 with DeepLabV3 and 0.30 with UPerNet."""


class EvaluationBatches:
    """The batches of a split on one device, for any number of passes."""

    def __init__(
        self, split: LoadedSplit, batch_size: int, device: torch.device, *, keep: bool = False
    ) -> None:
        """Prepare batches; nothing is read yet.

        Args:
            split: what each pass yields.
            batch_size: images of each batch; the last one may be smaller.
            device: where the batches are.
            keep: for more than one pass: keep them on a GPU where they fit.
        """
        self._split = split
        self._batch_size = batch_size
        self._device = device
        self._keep = keep
        self._kept: list[Batch] = []

    def __iter__(self) -> Iterator[Batch]:
        """Yield images [batch, channels, height, width] and labels, both on the device."""
        if self._kept:
            yield from self._kept
            return
        keeps, on_device = self._keep and self._fits(), []
        ahead = self._device.type != "cpu"  # there, reading would only take turns with computing
        for images, labels in fixed_batches(self._split, self._batch_size, ahead=ahead):
            batch = (
                images.to(self._device, non_blocking=True),
                labels.to(self._device, non_blocking=True),
            )
            if keeps:
                on_device.append(batch)
            yield batch
        self._kept = on_device

    def _fits(self) -> bool:
        return split_bytes(self._split) * KEPT_SHARE <= free_bytes(self._device)


def split_bytes(split: LoadedSplit) -> int:
    """Return the bytes of all images and labels of a split at the training size."""
    pixel: int = getattr(torch, split.data.pixel_type).itemsize
    return math.prod(split.images.shape) * pixel + math.prod(split.labels.shape)


def shard_of(split: LoadedSplit, process_group: ProcessGroup) -> LoadedSplit:
    """Return the images of a split that this process evaluates."""
    count = len(split.names)
    if not process_group.splits(count):
        return split
    return split.take(process_group.shard(range(count)))


def evaluation_batch_size(batch_size: int, device: torch.device, processes: int = 1) -> int:
    """Return the images of an evaluation's batch in each process.

    On a CPU it is that of the training, so that no sum is rounded differently.

    Args:
        batch_size: of the training, in all processes together.
        device: where the network runs.
        processes: number of processes.
    """
    own = math.ceil(batch_size / processes)
    return own if device.type == "cpu" else GPU_FACTOR * own
