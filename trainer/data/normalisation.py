"""By which mean and standard deviation the channels of images are normalised; torch-free."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from upath import UPath

from searchctl.trainer.core.array_views import ArrayViews
from searchctl.trainer.core.atomic_files import write_atomically

_DIGITS = 6
_FILE = "bands.json"


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of each channel, on the scale of the pixels."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


IMAGENET = Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
"""Normalisation of 8-bit RGB of pretrained encoders."""


def measured(images: ArrayViews, channels: int) -> Normalisation:
    """Return the mean and deviation of the images' pixels without NaN, rounded to six digits.

    A band that is the same everywhere has the standard deviation 1.

    Args:
        images: each [height, width, channels].
        channels: how many there are.
    """
    count, total, squares = (np.zeros(channels) for _ in range(3))
    shift = None
    for image in images:
        values = image.reshape(-1, channels).astype(np.float64)
        if shift is None:  # large offsets would drown small deviations
            shift = np.nan_to_num(np.nanmean(values, axis=0)) if values.size else total
        values = values - shift
        known = ~np.isnan(values)
        values = np.where(known, values, 0.0)
        count += known.sum(axis=0)
        total += values.sum(axis=0)
        squares += (values**2).sum(axis=0)
    count = np.maximum(count, 1)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    mean = mean + (0.0 if shift is None else shift)
    std = np.where(std > 0, std, 1.0)
    return Normalisation(tuple(map(_rounded, mean)), tuple(map(_rounded, std)))


def kept_measured(entry: Path, images: ArrayViews, channels: int) -> Normalisation:
    """Return what `measured` does, read from beside the decoded images if it is there.

    Args:
        entry: directory of the decoded images; what is measured is kept in it, if it can be.
        images: as in `measured`.
        channels: how many there are.
    """
    path = entry / _FILE
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(path.read_text())
        if len(found["mean"]) == len(found["std"]) == channels:
            return Normalisation(tuple(found["mean"]), tuple(found["std"]))
    normalisation = measured(images, channels)
    with suppress(OSError):
        write_atomically(UPath(path), json.dumps(asdict(normalisation)).encode())
    return normalisation


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
