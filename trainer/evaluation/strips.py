"""Predictions of large images in strips of rows, so that memory does not grow with the image."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from searchctl.trainer.data.resizing import Size

STRIP_BYTES = 2**28
"""Most bytes of the fp32 logits of a strip. Smaller images are a single strip."""


def strips_of(size: Size, classes: int) -> list[slice]:
    """Return the rows of each strip of an image, from the top; one for all rows where they fit."""
    height, width = size
    rows = max(1, STRIP_BYTES // (4 * classes * width))
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def with_margin(rows: slice, margin: int, height: int) -> tuple[slice, slice]:
    """Return the rows with so many more on both sides, and where in these the rows are."""
    top, bottom = max(0, rows.start - margin), min(height, rows.stop + margin)
    return slice(top, bottom), slice(rows.start - top, rows.stop - top)


def upsampled_strips(logits: Tensor, size: Size) -> Iterator[tuple[slice, Tensor]]:
    """Yield the rows of each strip, and logits [1, C, h, w] upsampled bilinearly to these rows.

    Args:
        logits: of the whole image.
        size: height and width to which they are upsampled.
    """
    strips = strips_of(size, logits.shape[1])
    if len(strips) == 1:
        yield strips[0], F.interpolate(logits, size, mode="bilinear", align_corners=False)
        return
    for rows in strips:
        yield rows, upsampled_rows(logits, size, rows)


def upsampled_rows(logits: Tensor, size: Size, rows: slice) -> Tensor:
    """Return some rows of what `F.interpolate` makes of logits [1, C, h, w], without corners."""
    low = logits.shape[-2]
    targets = torch.arange(rows.start, rows.stop, device=logits.device, dtype=torch.float64)
    sources = ((targets + 0.5) * low / size[0] - 0.5).clamp(min=0)
    above = sources.floor().long().clamp(max=low - 1)
    below = (above + 1).clamp(max=low - 1)
    share = (sources - above).to(logits.dtype).view(-1, 1)
    mixed = torch.lerp(logits[..., above, :], logits[..., below, :], share)
    width = (mixed.shape[-2], size[1])
    return F.interpolate(mixed, width, mode="bilinear", align_corners=False)
