"""Reads the counts of the validation samples that a script may write: a NumPy file."""

from pathlib import Path

import numpy as np

from searchctl.trainer.core.errors import SettingsError
from searchctl.trainer.core.results import ImageCounts


def read_counts(path: Path, samples: int, classes: int | None) -> ImageCounts:
    """Return the counts of each validation sample at the kept epoch.

    The file is of `numpy.savez`: `counts` [samples, classes, 3] holds true positives, false
    positives and false negatives in pixels, in the order of the validation list. `loss_sums`
    [samples], the summed cross entropy, may be left out.

    Args:
        path: the file.
        samples: number of validation samples.
        classes: number of classes of the data set; None if it names none.

    Raises:
        SettingsError: it holds something else.
    """
    try:
        with np.load(path) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except FileNotFoundError:
        raise SettingsError(f"{path} is missing: the report names it as its counts") from None
    except (OSError, ValueError, EOFError) as error:
        raise SettingsError(f"{path} is no file of numpy.savez: {error}") from None
    counts = found.get("counts")
    if counts is None:
        raise SettingsError(f"{path} holds no array `counts` [samples, classes, 3]")
    wanted = (samples, classes or (counts.shape[1] if counts.ndim == 3 else 1), 3)
    if counts.shape != wanted or counts.dtype.kind not in "iu" or counts.min() < 0:
        raise SettingsError(
            f"{path}: `counts` is {counts.dtype} {list(counts.shape)}; it must be whole numbers "
            f"from 0, {list(wanted)}: validation samples, classes, and 3"
        )
    losses = found.get("loss_sums", np.full(samples, np.nan))
    if losses.shape != (samples,):
        raise SettingsError(f"{path}: `loss_sums` is {list(losses.shape)}, not {[samples]}")
    pixels = (counts[:, :, 0].astype(np.int64) + counts[:, :, 2]).sum(axis=1)
    return ImageCounts(counts.astype(np.uint32), losses.astype(np.float64), pixels)
