"""The order of the training images, computed once for a data set and seed on each node."""

import logging
import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from searchctl.trainer.data.subset import FORMAT, Integers, ignore_placed, nested_order

log = logging.getLogger(__name__)


def stored_order(
    entry: Path,
    pixels: Integers,
    seed: int,
    on_progress: Callable[[int, int], None] = ignore_placed,
) -> tuple[int, ...]:
    """Return the nested order of these images: read from the entry, or computed.

    A computed order is stored in the entry atomically. If the directory is read-only, the order is
    not stored.

    Args:
        entry: directory of the decoded training images.
        pixels: [images, classes] number of pixels of each class in each image.
        seed: the sweep's seed.
        on_progress: called with the number of placed images, and the total.
    """
    path = entry / f"order-{FORMAT}-{seed}.npy"
    with suppress(OSError, ValueError, EOFError):
        found = np.load(path)
        if np.array_equal(np.sort(found), np.arange(len(pixels))):
            return tuple(found.tolist())
    log.info("ordering %d training images for seed %d", len(pixels), seed)
    order = nested_order(pixels, seed, on_progress)
    with suppress(OSError):
        _write(path, np.array(order, dtype=np.int64))
    return order


def _write(path: Path, order: Integers) -> None:
    part = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        with part.open("wb") as file:
            np.save(file, order)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
