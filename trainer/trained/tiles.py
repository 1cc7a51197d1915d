"""Predicts an image that is larger than a network's tiles, in bounded memory."""

from collections.abc import Callable, Iterator
from itertools import groupby

import torch
from torch import Tensor

from searchctl.trainer.data.crop import crop_corners
from searchctl.trainer.data.resizing import Size
from searchctl.trainer.data.sets.base import Image

Probabilities = Callable[[Image], Tensor]
"""Returns the probabilities [C, h, w] of a tile [h, w, channels]."""


def tiled_strips(
    image: Image, tile: Size, overlap: float, probabilities: Probabilities
) -> Iterator[tuple[slice, Tensor]]:
    """Yield rows of an image from the top, and the log-probabilities [1, C, h, W] there.

    Where tiles overlap, their probabilities are averaged. Only the rows of one line of tiles are in
    memory.

    Args:
        image: [H, W, channels].
        tile: height and width of a tile; a smaller image is a single one.
        overlap: least share of a tile's side that it has in common with the next one.
        probabilities: predicts a tile.
    """
    height, width = image.shape[:2]
    corners = crop_corners((height, width), tile, overlap)
    first, pending, count = 0, torch.empty(0), torch.empty(0)
    for top, line in groupby(corners, key=lambda corner: corner[0]):
        if top:
            yield slice(first, top), _averaged(pending[:, : top - first], count[: top - first])
            pending, count = pending[:, top - first :], count[top - first :]
        first, bottom = top, min(top + tile[0], height)
        for _, left in line:
            seen = probabilities(image[top:bottom, left : left + tile[1]])
            pending, count = _grown(pending, count, seen, (bottom - top, width))
            pending[..., left : left + seen.shape[-1]] += seen
            count[:, left : left + seen.shape[-1]] += 1
    yield slice(first, height), _averaged(pending, count)


def _averaged(total: Tensor, count: Tensor) -> Tensor:
    return (total / count).log_().unsqueeze(0)


def _grown(pending: Tensor, count: Tensor, like: Tensor, size: Size) -> tuple[Tensor, Tensor]:
    """Return sums and counts of so many rows, those that are missing as zeros at the end."""
    if not pending.numel():
        return like.new_zeros((len(like), *size)), like.new_zeros(size)
    missing = size[0] - pending.shape[1]
    if not missing:
        return pending, count
    return (
        torch.cat([pending, like.new_zeros((len(like), missing, size[1]))], dim=1),
        torch.cat([count, like.new_zeros((missing, size[1]))]),
    )
