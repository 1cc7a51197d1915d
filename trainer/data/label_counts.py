"""Counts of the values of labels and masks."""

import numpy as np
import numpy.typing as npt

VALUES = 256
"""Number of label values: a label pixel is one byte."""
_BLOCK = 1 << 20
"""Pixels that are counted at once: NumPy widens each to 8 bytes."""


def value_counts(label: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return how many pixels have each value: [256]."""
    flat = label.reshape(-1)
    if flat.size <= _BLOCK:
        return np.bincount(flat, minlength=VALUES)
    counts = np.zeros(VALUES, dtype=np.int64)
    for start in range(0, flat.size, _BLOCK):
        counts += np.bincount(flat[start : start + _BLOCK], minlength=VALUES)
    return counts
